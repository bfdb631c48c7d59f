"""Every command that asks the app, where what answers is not the app, is broken, or does not let in."""

import json

import pytest

from cli.errors import NOT_ALLOWED, REFUSED, UNAVAILABLE
from tests.app.cli.running import Slipway
from tests.support.faulty import HANG_UP, reply, serving, unused_url
from tests.unit.cli.ends.conftest import Profiles, document, line
from tests.unit.cli.ends.lines import ASKING, LINES, commands, words

MARKED = "x-request-id: 1\r\n"
SILENT = "does not answer: is it running?"
FOREIGN = ", and not as the app does: is this its address?"


def refusal(status: int, code: str) -> bytes:
    return reply(status, json.dumps({"error": {"code": code, "message": "told so"}}).encode(), "application/json")


FAULTS = {
    "page": (reply(200, b"<html>hello</html>"), UNAVAILABLE, f"answers 200{FOREIGN}"),
    "page behind a proxy": (reply(200, b"<html>hello</html>", more=MARKED), UNAVAILABLE, f"answers 200{FOREIGN}"),
    "other API": (reply(200, b'{"hello": 1}', "application/json"), UNAVAILABLE, f"answers 200{FOREIGN}"),
    "empty": (reply(200, b""), UNAVAILABLE, f"answers 200{FOREIGN}"),
    "not found": (reply(404, b"<html>not found</html>"), UNAVAILABLE, f"answers 404{FOREIGN}"),
    "gateway": (reply(502, b"<html>bad gateway</html>"), UNAVAILABLE, f"answers 502{FOREIGN}"),
    "other list": (reply(404, b"[]", "application/json"), UNAVAILABLE, f"answers 404{FOREIGN}"),
    "list behind a proxy": (reply(200, b"[1]", "application/json", more=MARKED), UNAVAILABLE, f"answers 200{FOREIGN}"),
    "hangs up": (HANG_UP, UNAVAILABLE, SILENT),
    "hangs up within": (reply(200, b'{"value": [', "application/json", 1000, MARKED), UNAVAILABLE, SILENT),
    "no HTTP": (b"220 mail.example.org ESMTP\r\n", UNAVAILABLE, SILENT),
    "stranger": (refusal(401, "NotAuthenticated"), NOT_ALLOWED, "told so"),
    "without the role": (refusal(403, "NotAuthorized"), NOT_ALLOWED, "told so"),
    "refused": (refusal(409, "InvalidTransition"), REFUSED, "told so"),
    "busy": (refusal(429, "Overloaded"), REFUSED, "told so"),
    "unwell": (refusal(503, "StorageUnavailable"), UNAVAILABLE, "told so"),
}


def sided(command: str, told: str) -> str:
    """Between two environments it is said which one."""
    return f"dev: {told}" if command == "promote" else told


def test_every_command_has_its_line() -> None:
    assert list(LINES) == list(commands())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", ASKING)
def test_an_app_that_is_none_or_refuses_ends_in_one_line(
    slipway: Slipway, profiles: Profiles, command: str, fault: str
) -> None:
    answers, code, told = FAULTS[fault]
    with serving(answers) as server:
        profiles(server.url)
        ended = slipway(*words(command))
        as_json = slipway(*words(command), "--json")
    message = line(ended)
    assert (ended.code, as_json.code) == (code, code)
    assert document(as_json)["message"] == message
    assert message.startswith(sided(command, ""))
    assert message.endswith(told)


# What a model answers is its own, and a deletion is done whatever is said of it.
@pytest.mark.parametrize("command", sorted({*ASKING} - {"score", "delete"}))
def test_an_answer_of_another_shape_ends_in_one_line(slipway: Slipway, profiles: Profiles, command: str) -> None:
    with serving(reply(200, b'{"value": [{"hello": 1}], "hello": 1}', "application/json", more=MARKED)) as server:
        profiles(server.url)
        ended = slipway(*words(command))
    assert ended.code == UNAVAILABLE
    assert line(ended).endswith("is this its address, and this command of the same version?")


@pytest.mark.parametrize("command", ASKING)
def test_an_app_that_is_down_ends_in_one_line(slipway: Slipway, profiles: Profiles, command: str) -> None:
    url = unused_url()
    profiles(url)
    ended = slipway(*words(command))
    assert (ended.code, line(ended)) == (UNAVAILABLE, sided(command, f"the app at {url} {SILENT}"))
