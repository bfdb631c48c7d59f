"""`@rawhttp`: an AMLResponse goes out, as Azure ML's documentation makes it."""

import json
from collections.abc import Iterator

import pytest

from shared.models.flavors.script import SandboxedScript
from tests.unit.models.flavors.raw import RAW, sent
from tests.unit.models.flavors.scripts import message, post, running


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxedScript]:
    with running(tmp_path_factory.mktemp("raw"), RAW) as script:
        yield script


def made(script: SandboxedScript, lines: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a response; the time is left out."""
    status, headers, body = sent(script, lines)
    return status, {name: value for name, value in headers.items() if name != "x-ms-run-fn-exec-ms"}, body


def test_a_response_passes_through(raw: SandboxedScript) -> None:
    assert made(raw, "result = AMLResponse(b'\\x00\\xff', 202, {'Content-Type': 'image/png', 'X-Own': 'a, b'})") == (
        202,
        {"content-type": "image/png", "x-own": "a, b", "x-ms-run-function-failed": "False"},
        b"\x00\xff",
    )


@pytest.mark.parametrize(
    ("response", "status", "kind", "body"),
    [
        ("AMLResponse('text', 200)", 200, "text/html; charset=utf-8", b"text"),
        ("AMLResponse({'a': 1}, 200, json_str=True)", 200, "application/json", b'{"a": 1}'),
        ("AMLResponse({'a': float('nan')}, 200, json_str=True)", 200, "application/json", b'{"a": null}'),
        ("AMLResponse('text', 200, json_str=True)", 200, "application/json", b'"text"'),
        ("AMLResponse(None, 200)", 200, "application/json", b"{}"),
        ("AMLResponse([b'a', 'b'], 404)", 404, "text/html; charset=utf-8", b"ab"),
        ("AMLResponse('bad', '400 BAD REQUEST')", 400, "text/html; charset=utf-8", b"bad"),
    ],
)
def test_a_response_is_made_as_there(raw: SandboxedScript, response: str, status: int, kind: str, body: bytes) -> None:
    headers = {"content-type": kind, "x-ms-run-function-failed": "False"}
    assert made(raw, f"result = {response}") == (status, headers, body)


@pytest.mark.parametrize(("status", "failed"), [(200, "False"), (499, "False"), (500, "True"), (503, "True")])
def test_a_response_of_500_and_above_says_that_the_run_failed(raw: SandboxedScript, status: int, failed: str) -> None:
    reply = sent(raw, f"result = AMLResponse('', {status})")
    assert (reply.status, reply.headers["x-ms-run-function-failed"]) == (status, failed)


def test_headers_of_a_response_can_be_changed(raw: SandboxedScript) -> None:
    """As the documentation has it for cross-origin requests."""
    lines = """
result = AMLResponse("", 200)
result.headers["Allow"] = "OPTIONS, GET, POST"
result.headers['Access-Control-Allow-Origin'] = "http://www.example.com"
result.headers.add("x-more", 1); result.headers.add_header("x-more", "2")
result.headers.update({"x-last": "3"}); result.headers.setdefault("x-last", "4")
del result.headers["content-type"]; result.content_type = "text/plain"
assert result.headers.get("ALLOW") and "allow" in result.headers and result.headers.getlist("x-more") == ["1", "2"]
result.set_data("changed"); result.data += b"!"
assert result.get_data(as_text=True) == "changed!"
"""
    assert made(raw, lines) == (
        200,
        {
            "x-ms-run-function-failed": "False",
            "allow": "OPTIONS, GET, POST",
            "access-control-allow-origin": "http://www.example.com",
            "x-more": "1, 2",
            "x-last": "3",
            "content-type": "text/plain",
        },
        b"changed!",
    )


def test_a_raw_script_may_return_anything_else_as_well(raw: SandboxedScript) -> None:
    assert json.loads(sent(raw, "result = {'a': 1}").body) == {"a": 1}
    assert message(sent(raw, "result = {1}"))[0] == 500


def test_a_raw_script_is_timed(raw: SandboxedScript) -> None:
    assert float(post(raw, b"", {"x-lines": "result = 1"}).headers["x-ms-run-fn-exec-ms"]) >= 0
