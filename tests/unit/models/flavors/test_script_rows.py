"""score.py's contract, row by row: what run() is given, and what becomes of what it returns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.models.flavor import Abort, RawCall
from shared.models.flavors.script import SandboxedScript
from tests.unit.models.flavors.scripts import answer, ask, message, post, running

PLAIN = """
    def init():
        global ready
        ready = True

    def run(raw_data):
        return {"type": type(raw_data).__name__, "text": raw_data, "ready": ready}
"""
WITH_HEADERS = """
    def init(): pass

    def run(raw_data, request_headers):
        return request_headers
"""
# Evaluates what it is sent, so that one worker serves all kinds of results.
RESULTS = """
    import json
    import math

    class Numbers:
        pass

    async def later(): ...

    def init(): pass

    def run(raw_data):
        return eval(raw_data)
"""
FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxedScript]:
    with running(tmp_path_factory.mktemp("plain"), PLAIN) as script:
        yield script


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxedScript]:
    with running(tmp_path_factory.mktemp("results"), RESULTS) as script:
        yield script


@pytest.mark.parametrize("text", ["", "{}", '{"a": [1, 2]}', "no JSON", "grüße €"])
def test_an_undecorated_run_gets_the_body_as_text(plain: SandboxedScript, text: str) -> None:
    assert answer(plain, text) == {"type": "str", "text": text, "ready": True}


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/csv", ""]
)
def test_a_body_arrives_as_it_was_sent_whatever_its_type(plain: SandboxedScript, kind: str) -> None:
    assert json.loads(post(plain, "a=1&b=2", {"content-type": kind}).body)["text"] == "a=1&b=2"


def test_a_body_that_is_not_utf_8_is_refused(plain: SandboxedScript) -> None:
    status, told = message(post(plain, b'{"a": "\xff"}'))
    assert status == 400
    assert (
        told
        == "Input cannot be decoded as UTF-8: 'utf-8' codec can't decode byte 0xff in position 7: invalid start byte"
    )


@pytest.mark.parametrize(
    ("query", "given"),
    [
        ("", {}),
        ("a=1&b=[1,2]&c=x&c=y&d=null", {"a": 1, "b": [1, 2], "c": ["x", "y"], "d": None}),
        ("a=%7B%22b%22:%20true%7D&e=", {"a": {"b": True}, "e": ""}),
        ("s=a+b%20c&A=1&a=2&a=3", {"s": "a b c", "A": 1, "a": [2, 3]}),
    ],
)
def test_a_query_becomes_a_json_text(plain: SandboxedScript, query: str, given: Any) -> None:
    told = json.loads(ask(plain, "GET", query).body)
    assert (told["type"], json.loads(told["text"])) == ("str", given)


def test_headers_are_given_to_a_run_that_asks_for_them(tmp_path: Path) -> None:
    with running(tmp_path, WITH_HEADERS) as script:
        headers = {"content-type": "text/plain", "x-my-own": "ä"}
        assert json.loads(post(script, "", headers).body) == {"Content-Type": "text/plain", "X-My-Own": "ä"}


def test_what_a_caller_proves_itself_with_is_not_given_to_the_script(tmp_path: Path) -> None:
    secrets = ("authorization", "cookie", "x-functions-key", "proxy-authorization")
    with running(tmp_path, WITH_HEADERS) as script:
        assert json.loads(post(script, "", dict.fromkeys(secrets, "secret")).body) == {}


@pytest.mark.parametrize(
    ("expression", "body"),
    [
        ("{'a': [1, 2.5, None, True]}", '{"a": [1, 2.5, null, true]}'),
        ("[1, 'x']", '[1, "x"]'),
        ("(1, 2)", "[1, 2]"),
        ("'text'", '"text"'),
        ("json.dumps({'a': 1})", '"{\\"a\\": 1}"'),
        ("None", "{}"),
        ("3", "3"),
        ("'ü'", '"\\u00fc"'),
    ],
)
def test_a_result_is_answered_as_json(results: SandboxedScript, expression: str, body: str) -> None:
    reply = post(results, expression)
    assert (reply.status, reply.body.decode()) == (200, body)
    headers = dict(reply.headers)
    assert float(headers.pop("x-ms-run-fn-exec-ms")) >= 0
    assert headers == {"content-type": "application/json", "x-ms-run-function-failed": "False"}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[math.nan, 1.0, math.inf]", [None, 1.0, None]),
        ("{'a': {'b': (-math.inf, 'NaN')}}", {"a": {"b": [None, "NaN"]}}),
        ("math.nan", None),
    ],
)
def test_numbers_that_json_has_no_words_for_become_null(results: SandboxedScript, expression: str, value: Any) -> None:
    assert answer(results, expression) == value


@pytest.mark.parametrize("expression", ["Numbers()", "{'a': Numbers()}", "{1, 2}", "b'bytes'", "{(1, 2): 3}"])
def test_a_result_that_json_cannot_hold_is_an_internal_error(results: SandboxedScript, expression: str) -> None:
    reply = post(results, expression)
    assert message(reply) == (500, INTERNAL)
    assert reply.headers["x-ms-run-function-failed"] == "False"


def test_a_result_that_holds_itself_is_an_internal_error(results: SandboxedScript) -> None:
    assert message(post(results, "(lambda a: a.append(a) or a)([])")) == (500, INTERNAL)


def test_a_coroutine_is_an_internal_error(results: SandboxedScript) -> None:
    assert message(post(results, "later()")) == (500, INTERNAL)


def test_a_run_that_raises_fails_and_its_words_stay_in_the_log(results: SandboxedScript) -> None:
    reply = post(results, "[][1]")
    assert message(reply) == (500, FAILED)
    assert reply.headers == {"content-type": "application/json", "x-ms-run-function-failed": "True"}
    assert answer(results, "1") == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_another_method_is_not_allowed(plain: SandboxedScript, method: str) -> None:
    reply = ask(plain, method)
    assert message(reply) == (405, "The method is not allowed for the requested URL.")
    assert reply.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_only_the_head_of_a_plain_script_is_not_to_be_had(plain: SandboxedScript) -> None:
    assert message(ask(plain, "HEAD")) == (405, "Method not allowed")


def test_options_are_answered_without_the_script(plain: SandboxedScript) -> None:
    reply = ask(plain, "OPTIONS")
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers == {"content-type": "text/html; charset=utf-8", "x-ms-run-function-failed": "False"}


def test_a_large_body_goes_there_and_back(plain: SandboxedScript) -> None:
    text = "ab" * 5_000_000
    assert answer(plain, text)["text"] == text


def test_all_bytes_reach_a_script_through_calls_of_every_size(results: SandboxedScript) -> None:
    for size in (0, 1, 15, 16, 17, 262_144, 262_145):
        call = RawCall("POST", "", {}, f"len({'x' * size!r})".encode())
        assert results.run(call, Abort()).body == str(size).encode()
