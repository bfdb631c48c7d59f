"""Tokens, and what the doctor says of the way to the app."""

from pathlib import Path

import pytest
import yaml

from tests.app.cli.running import Slipway
from tests.app.client import Client


def test_a_token_is_of_the_roles_that_are_asked_for(slipway: Slipway, client: Client, published: str) -> None:
    made = slipway("token", "--role", "Endpoint.Read").out.strip()
    headers = {"Authorization": f"Bearer {made}"}
    assert client.ask("GET", f"/endpoints/{published}", headers=headers).status_code == 200
    assert client.ask("DELETE", f"/endpoints/{published}", headers=headers).status_code == 403


def test_a_token_of_the_environment_is_taken_as_it_is(
    slipway: Slipway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_TOKEN", client.token("Endpoint.Score"))
    ended = slipway("list")
    assert (ended.code, ended.err) == (4, "slipway: the caller lacks the app role Endpoint.Read or Endpoint.Manage\n")


def test_the_doctor_finds_all_good(slipway: Slipway) -> None:
    told = slipway("doctor", "--json")
    assert told.code == 0, told.out
    assert [each["what"] for each in told.document["findings"]] == [
        "python", "profile", "app", "clock", "app's settings", "identity", "role Endpoint.Read", "role Endpoint.Manage",
        "storage",
    ]  # fmt: skip
    lines = slipway("doctor").out.splitlines()
    assert all(line.startswith("good ") for line in lines)


@pytest.mark.parametrize(
    ("change", "what", "mend"),
    [
        ({"app_url": "http://127.0.0.1:9"}, ["app"], "start it, or set app_url to its address"),
        ({"local_issuer": "http://127.0.0.1:9"}, ["identity"], "make serve"),
        ({"storage": ""}, ["storage"], "set its storage"),
        ({"storage": "what?"}, ["storage"], "set the profile's storage to the app's data account"),
        ({"storage": "${NOBODY}"}, ["profile"], "slipway init"),
        (
            {"audience": "api://other"},
            ["role Endpoint.Read", "role Endpoint.Manage"],
            "assign the app role Endpoint.Read to this identity in Entra, and sign in again",
        ),
    ],
)
def test_the_doctor_tells_what_is_wrong_and_what_mends_it(
    slipway: Slipway, folder: Path, change: dict[str, str], what: list[str], mend: str
) -> None:
    path = folder / "slipway.yaml"
    written = yaml.safe_load(path.read_text())
    written["profiles"]["local"] |= change
    path.write_text(yaml.safe_dump(written))
    told = slipway("doctor", "--json")
    wrong = [each for each in told.document["findings"] if not each["good"]]
    assert (told.code, told.document["good"]) == (1, False)
    assert ([each["what"] for each in wrong], wrong[0]["mend"]) == (what, mend)
