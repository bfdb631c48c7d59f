"""Every command that needs slipway.yaml, where it is not there, is broken, or names what does not answer."""

from pathlib import Path

import pytest

from cli.credentials import TOKEN_VARIABLE
from cli.errors import REFUSED, UNAVAILABLE
from tests.app.cli.running import Slipway
from tests.support.faulty import HANG_UP, reply, serving
from tests.unit.cli.ends.conftest import Profiles, document, line
from tests.unit.cli.ends.lines import PROFILED, words

GOOD = "default: dev\nprofiles:\n  dev: {app_url: 'http://127.0.0.1:9'}\n"
BROKEN = {
    "no YAML": ("profiles: {", "slipway.yaml is not YAML: line 1: "),
    "unknown tag": ("profiles: !mine 3", "slipway.yaml is not YAML: line 1: could not determine a constructor"),
    "no such date": ("default: 2024-13-45", "slipway.yaml is not YAML: month must be in 1..12"),
    "binary": ("\0\1\2", "slipway.yaml is not YAML: unacceptable character #x0000"),
    "empty": ("", "slipway.yaml: the file: Input should be a valid dictionary"),
    "wrong type": (GOOD.replace("'http", "3, storage: [a], x: '"), "slipway.yaml: profiles.dev.app_url: Input should "),
    "unknown field": (GOOD.replace("app_url", "app_ur"), "slipway.yaml: profiles.dev.app_url: Field required; "),
    "suggestion": (GOOD.replace("profiles", "profile"), "slipway.yaml: profiles: Field required; profile: there is no"),
    "no address": (GOOD.replace("http:", "ftp:"), "slipway.yaml: profiles.dev.app_url: String should match pattern"),
    "unset variable": (
        GOOD.replace("http:", "${NOBODYS}:"),
        "app_url of the profile names the variable NOBODYS, which",
    ),
    "unknown default": (
        GOOD.replace("default: dev", "default: prod"),
        "slipway.yaml has no profile 'prod': use one of",
    ),
}
BY_PROFILE = [each for each in PROFILED if each != "promote"]
"""Promotions name their profiles: tests/app/cli/test_promote_sides.py has them."""


def ends_with(slipway: Slipway, command: str, message: str, *more: str) -> None:
    ended, as_json = slipway(*words(command), *more), slipway(*words(command), *more, "--json")
    told = line(ended)
    assert (ended.code, as_json.code, document(as_json)["message"]) == (REFUSED, REFUSED, told)
    assert told.removeprefix("dev: ").startswith(message)


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("command", ["list", "promote", "publish", "token"])
def test_a_broken_profile_file_ends_in_one_line(slipway: Slipway, folder: Path, command: str, fault: str) -> None:
    text, message = BROKEN[fault]
    (folder / "slipway.yaml").write_text(text)
    if command == "promote" and fault == "unknown default":
        message = ""
    ends_with(slipway, command, message)


@pytest.mark.parametrize("command", PROFILED)
def test_where_there_is_no_profile_file_a_way_out_is_told(slipway: Slipway, command: str) -> None:
    ends_with(slipway, command, "there is no slipway.yaml in this folder or above: write one with `slipway init`")


@pytest.mark.parametrize("command", BY_PROFILE)
def test_a_profile_that_is_not_there_is_told(slipway: Slipway, profiles: Profiles, command: str) -> None:
    profiles()
    ends_with(slipway, command, "slipway.yaml has no profile 'no\\such': use one of dev, dev2", "-p", "no\\such")


@pytest.mark.parametrize("command", PROFILED)
def test_a_profile_file_that_cannot_be_read_is_told(
    slipway: Slipway, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("SLIPWAY_PROFILES", str(folder))
    ends_with(slipway, command, f"{folder} cannot be read: Is a directory")


@pytest.mark.parametrize(
    "answers", [HANG_UP, reply(500, b""), reply(200, b"<html>"), reply(200, b'{"token": 1}', "application/json")]
)
@pytest.mark.parametrize("command", PROFILED)
def test_an_issuer_that_gives_no_token_ends_in_one_line(
    slipway: Slipway, profiles: Profiles, monkeypatch: pytest.MonkeyPatch, command: str, answers: bytes
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE)
    with serving(answers) as server:
        profiles(local_issuer=server.url)
        ended = slipway(*words(command))
    told = f"the local issuer at {server.url} gives no token: is it running (make serve)?"
    assert (ended.code, line(ended).removeprefix("dev: ")) == (UNAVAILABLE, told)


@pytest.mark.parametrize(
    "url", ["http://[", "http://127.0.0.1:99999", "http://a..b", "http://.", "http://no.invalid/a b"]
)
def test_an_address_that_is_none_ends_in_one_line(slipway: Slipway, profiles: Profiles, url: str) -> None:
    profiles(url, storage="")
    ended = slipway("list")
    assert ended.code in (REFUSED, UNAVAILABLE)
    line(ended)
    told = slipway("doctor")
    assert (told.code, told.err) == (1, "")


def test_a_token_with_a_line_break_is_taken_without_it_and_one_within_is_told(
    slipway: Slipway, profiles: Profiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles()
    monkeypatch.setenv(TOKEN_VARIABLE, "good\n")
    assert slipway("token").out == "good\n"
    monkeypatch.setenv(TOKEN_VARIABLE, "two\nlines")
    assert line(slipway("list")).startswith("a value that was given holds what cannot be sent")
