"""Every command that asks the app, by callers it does not let in, for what is not there, and with its answer lost."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from azure.storage.blob import BlobServiceClient

from cli.credentials import TOKEN_VARIABLE
from tests.app.cli.running import Ended, Slipway
from tests.app.client import Client
from tests.support import iris
from tests.unit.cli.ends.conftest import FILES
from tests.unit.cli.ends.lines import ASKING, LINES

PROMOTE = ("--from", "local", "--to", "twin")
NEEDS_MORE = dict.fromkeys(ASKING, "Endpoint.Score") | {"score": "Endpoint.Read", "feedback": "Endpoint.Read"}
JOBS = {"job", "cancel", "retry"}


@pytest.fixture
def line(folder: Any, endpoint: str, slipway: Slipway) -> Callable[[str], tuple[str, ...]]:
    """The words of a command, for the endpoint of this test."""
    (folder / "request.json").write_bytes(iris.request(1))
    (folder / "truth.csv").write_text(FILES["truth.csv"])
    profiles = folder / "slipway.yaml"
    text = profiles.read_text()
    twin = text.partition("local:\n")[2]
    profiles.write_text(f"default: local\n{text.rstrip()}\n  twin:\n{twin}")
    assert slipway("init", "--name", endpoint).code == 0

    def words(command: str) -> tuple[str, ...]:
        if command == "publish":
            return ("publish", "--no-trial")
        if command == "promote":
            return ("promote", endpoint, *PROMOTE)
        return tuple(each.replace("flowers", endpoint) for each in (*command.split(), *LINES[command].words))

    return words


def told(ended: Ended) -> str:
    assert (ended.out, ended.err.count("\n"), ended.err[:9]) == ("", 1, "slipway: "), ended
    return ended.err[9:-1]


@pytest.mark.parametrize("command", ASKING)
def test_who_is_nobody_or_lacks_the_role_is_told_so(
    slipway: Slipway,
    line: Callable[[str], tuple[str, ...]],
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    words = line(command)
    for token in ("of.no.body", client.token(NEEDS_MORE[command]), client.token("Endpoint.Read", audience="api://x")):
        monkeypatch.setenv(TOKEN_VARIABLE, token)
        ended = slipway(*words)
        assert ended.code == 4
        assert token not in told(ended)


@pytest.mark.parametrize("command", [each for each in ASKING if each not in ("publish", "list", "audit", "jobs")])
def test_an_endpoint_that_is_not_there_is_told(
    slipway: Slipway, line: Callable[[str], tuple[str, ...]], endpoint: str, command: str
) -> None:
    ended = slipway(*line(command))
    assert ended.code == 1
    assert endpoint in told(ended) or "job of this id" in told(ended)


MISSING = [
    (("job", "{}", "j1"), "there is no job of this id"),
    (("cancel", "{}", "j1"), "there is no job of this id"),
    (("retry", "{}", "j1"), "there is no job of this id"),
    (("rollback", "{}", "9"), "endpoint '{}' has no revision 9"),
    (("promote", "{}", *PROMOTE, "--revision", "9"), "local: there is no endpoint '{}' with a revision 9"),
    (("traffic", "set", "{}", "red=100"), "traffic names red, which is not a deployment"),
    (("traffic", "set", "{}", "blue=90"), "traffic adds up to 90, but it must be 0 or 100"),
    (("traffic", "set", "{}", "blue=101"), "traffic is given in percent, each from 0 to 100"),
    (("score", "{}", "request.json", "--deployment", "red"), "endpoint '{}' has no deployment 'red'"),
    (("submit", "{}", "request.json", "--deployment", "red"), "endpoint '{}' has no deployment 'red'"),
    (("submit", "{}", "request.json", "--set", "miniBatchSize=-1"), "miniBatchSize: Input should be greater than or"),
    (("jobs", "{}", "--status", "Lost"), "'Lost' is no status: use NotStarted, "),
    (("monitor", "{}", "--deployment", "red"), "endpoint '{}' has no deployment 'red'"),
    (("feedback", "{}", "truth.csv"), "endpoint '{}' takes no feedback: publish it with monitoring.model_performance"),
    (("rollback", "{}"), "endpoint '{}' has no revision before 1"),
    (("keys", "rotate", "{}"), "endpoint '{}' takes no keys: publish it with auth_mode: [entra, key] first"),
]


def test_what_an_endpoint_has_not_is_told(
    slipway: Slipway, line: Callable[[str], tuple[str, ...]], endpoint: str, account: BlobServiceClient
) -> None:
    assert line("list") == ("list",)
    assert slipway("publish", "--no-trial").code == 0
    for words, message in MISSING:
        ended = slipway(*(each.format(endpoint) for each in words))
        assert ended.code == 1, (words, ended)
        assert told(ended).startswith(message.format(endpoint))
    uploaded = account.get_container_client("inbox").list_blob_names(name_starts_with=f"{endpoint}/")
    assert not list(uploaded)


CHANGES: dict[str, tuple[list[tuple[str, ...]], tuple[str, ...], int]] = {
    "publish": ([], ("publish", "--no-trial"), 0),
    "promote": ([("publish", "--no-trial")], ("promote", "{}", *PROMOTE), 0),
    "traffic set": ([("publish", "--no-trial")], ("traffic", "set", "{}", "blue=0"), 0),
    "delete": ([("publish", "--no-trial"), ("traffic", "set", "{}", "blue=0")], ("delete", "{}", "--yes"), 1),
    "submit": ([("publish", "--no-trial")], ("submit", "{}", "request.json"), 0),
}


@pytest.mark.parametrize("lost", [KeyboardInterrupt, requests.ConnectionError])
@pytest.mark.parametrize("command", CHANGES)
def test_a_change_whose_answer_is_lost_is_made_once_and_may_be_repeated(
    slipway: Slipway,
    line: Callable[[str], tuple[str, ...]],
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    lost: type[BaseException],
) -> None:
    before, words, again = CHANGES[command]
    line("list")
    for each in before:
        assert slipway(*(word.format(endpoint) for word in each)).code == 0
    request = requests.Session.request

    def losing(session: requests.Session, method: str, url: str, **parts: Any) -> requests.Response:
        reply = request(session, method, url, **parts)
        if method != "GET" and "/endpoints/" in url:
            raise lost
        return reply

    words = tuple(word.format(endpoint) for word in words)
    with monkeypatch.context() as patched:
        patched.setattr(requests.Session, "request", losing)
        ended = slipway(*words)
    assert ended.code == (0 if command == "promote" else 130 if lost is KeyboardInterrupt else 3)
    assert slipway(*words).code == again
    changes = [each["change"] for each in slipway("audit", endpoint, "--json").document]
    assert changes.count("publish") == 1
