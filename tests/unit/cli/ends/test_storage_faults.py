"""Commands that use storage, where it is not there, is something else, or does not let in.

tests/app/cli/test_promote_sides.py has those of promotions.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure.identity import EnvironmentCredential

from cli import credentials
from cli.errors import NOT_ALLOWED, REFUSED, UNAVAILABLE
from tests.app.cli.running import Slipway
from tests.support.faulty import HANG_UP, reply, serving, unused_url
from tests.unit.cli.ends.conftest import Profiles, document, line

MARKED = "x-ms-request-id: 1\r\n"
FORBIDDEN = b"<?xml version='1.0'?><Error><Code>AuthorizationFailure</Code><Message>secret</Message></Error>"
FOREIGN = "what answers at the profile's storage is not storage: is its address right?"
LET_IN = (
    "storage does not let you in: you need the role Slipway Publisher, or Storage Blob Data Contributor, on its "
    "container models"
)
SILENT = "storage does not answer: is its address right?"
FAULTS = {
    "down": (None, UNAVAILABLE, SILENT),
    "hangs up": (HANG_UP, UNAVAILABLE, SILENT),
    "page": (reply(200, b"<html>hello</html>"), UNAVAILABLE, FOREIGN),
    "not found": (reply(404, b"<html>not found</html>"), UNAVAILABLE, FOREIGN),
    "gateway": (reply(502, b"<html>bad gateway</html>"), UNAVAILABLE, "storage answers 502: try again"),
    "busy": (reply(503, b"", more=MARKED), UNAVAILABLE, "storage answers 503: try again"),
    "forbidden": (reply(403, FORBIDDEN, "application/xml", more=MARKED), NOT_ALLOWED, LET_IN),
}
LINES = {
    "publish": ("publish", "--no-trial"),
    "publish --dry-run": ("publish", "--dry-run", "--no-trial"),
    "submit": ("submit", "flowers", "request.json"),
}
# As much of the app as they ask before storage.
APP = reply(200, b'{"value": [], "code_sources": []}', "application/json", more="x-request-id: 1\r\n")
_PATIENCE_S = 20


@pytest.fixture(autouse=True)
def slept(folder: Path, iris_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have been waited between the tries."""
    shutil.copytree(iris_folder, folder / "model")
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


@contextmanager
def storage(answers: bytes | None) -> Iterator[str]:
    if answers is None:
        yield f"{unused_url()}/account"
        return
    with serving(answers) as server:
        yield f"{server.url}/account"


def keyed(url: str, key: str = "bm9uZQ==") -> str:
    return f"DefaultEndpointsProtocol=http;AccountName=account;AccountKey={key};BlobEndpoint={url};"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", LINES)
def test_storage_that_is_none_or_lets_nobody_in_ends_in_one_line(
    slipway: Slipway, profiles: Profiles, slept: list[float], command: str, fault: str
) -> None:
    answers, code, told = FAULTS[fault]
    with serving(APP) as app, storage(answers) as url:
        profiles(app.url, storage=keyed(url))
        ended = slipway(*LINES[command])
        waited_s = sum(slept)
        as_json = slipway(*LINES[command], "--json")
    assert (ended.code, line(ended)) == (code, told)
    assert (as_json.code, document(as_json)["message"]) == (code, told)
    assert waited_s <= _PATIENCE_S


@pytest.mark.parametrize("fault", FAULTS)
def test_the_doctor_finds_out(slipway: Slipway, profiles: Profiles, fault: str) -> None:
    with storage(FAULTS[fault][0]) as url:
        profiles(unused_url(), storage=keyed(url))
        ended = slipway("doctor")
        findings = slipway("doctor", "--json").document["findings"]
    assert (ended.code, ended.err) == (REFUSED, "")
    assert [each["what"] for each in findings if not each["good"]] == ["app", "storage"]
    assert all(each["mend"] for each in findings if not each["good"])


@pytest.mark.parametrize(
    ("written", "code", "told"),
    [
        ("", REFUSED, "the profile names no storage, where models go: set its storage"),
        ("what?", REFUSED, "the profile's storage is neither a blob address, https://account.blob.core.windows.net, "),
        (keyed("https://127.0.0.1:9/account", "x"), NOT_ALLOWED, "nobody is signed in for storage: "),
        (
            "https://127.0.0.1:9/account",
            NOT_ALLOWED,
            "nobody is signed in for storage: sign in with `az login`, or corr",
        ),
    ],
)
@pytest.mark.parametrize("command", LINES)
def test_a_storage_that_cannot_be_asked_is_told(
    slipway: Slipway,
    profiles: Profiles,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    written: str,
    code: int,
    told: str,
) -> None:
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(credentials, "_credential", lambda profile: EnvironmentCredential())
    with serving(APP) as app:
        profiles(app.url, storage=written)
        ended = slipway(*LINES[command])
    assert ended.code == code
    assert line(ended).startswith(told)
