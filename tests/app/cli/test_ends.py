"""How a command ends: exit codes, one line an error, JSON for who asks for it."""

import io
import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.app.cli.running import Slipway

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["score", "no-such", "-"], 1, "there is no endpoint 'no-such'"),
        (["score", "no-such", "gone.json"], 1, "gone.json cannot be read: No such file or directory"),
        (["submit", "no-such", "gone.csv"], 1, "gone.csv is neither a file here, nor inbox/… or https://…"),
        (["traffic", "set", "no-such", "blue"], 1, "'blue' is no share of traffic: write it as blue=90"),
        (["traffic", "set", "no-such", "blue=100"], 1, "there is no endpoint 'no-such'"),
        (["keys", "rotate", "no-such", "third"], 1, "'third' is no key: say primary or secondary"),
        (["publish", "gone.yaml"], 1, "gone.yaml: is not there: `slipway init` writes one"),
        (["list", "--profile", "prod"], 1, "slipway.yaml has no profile 'prod': use one of local"),
        (["bogus"], 2, "No such command 'bogus'."),
        (["list", "--bogus"], 2, "No such option: --bogus"),
    ],
)
def test_what_is_wrong_ends_in_one_line(
    slipway: Slipway, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    ended = slipway(*arguments)
    assert (ended.code, ended.out, ended.err) == (code, "", f"slipway: {message}\n")


def test_errors_are_json_for_those_who_ask_for_it(slipway: Slipway) -> None:
    ended = slipway("show", "no-such", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert json.loads(ended.err) == {"error": {"code": "EndpointNotFound", "message": "there is no endpoint 'no-such'"}}


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"app_url": "http://127.0.0.1:9"}, 3, "the app at http://127.0.0.1:9 does not answer: is it running?"),
        (
            {"local_issuer": "http://127.0.0.1:9"},
            3,
            "the local issuer at http://127.0.0.1:9 gives no token: is it running (make serve)?",
        ),
        ({"audience": "api://other"}, 4, None),
    ],
)
def test_what_does_not_answer_or_let_in_has_exit_codes_of_its_own(
    slipway: Slipway, folder: Path, change: dict[str, str], code: int, message: str | None
) -> None:
    path = folder / "slipway.yaml"
    written = yaml.safe_load(path.read_text())
    written["profiles"]["local"] |= change
    path.write_text(yaml.safe_dump(written))
    ended = slipway("list")
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    if message is not None:
        assert ended.err == f"slipway: {message}\n"


def test_the_program_runs_in_any_folder(folder: Path) -> None:
    (folder / "shared").mkdir()  # is none of the program's
    done = subprocess.run(
        [str(ROOT / "scripts" / "slipway"), "list", "--json"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert isinstance(json.loads(done.stdout), list)
