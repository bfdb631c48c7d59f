"""`@rawhttp`: the whole request comes in, as Azure ML's documentation uses it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.models.flavor import Abort, RawCall
from shared.models.flavors.script import SandboxedScript
from tests.unit.models.flavors.raw import RAW, sent
from tests.unit.models.flavors.scripts import ask, running


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxedScript]:
    with running(tmp_path_factory.mktemp("raw"), RAW) as script:
        yield script


def seen(script: SandboxedScript, expression: str, **call: Any) -> Any:
    """What an expression about the request comes to."""
    reply = sent(script, f"result = {expression}", **call)
    assert reply.status == 200, reply
    return json.loads(reply.body)


def test_the_request_line_is_seen(raw: SandboxedScript) -> None:
    expression = "[request.method, request.path, request.full_path, request.query_string.decode()]"
    assert seen(raw, expression, method="GET", query="a=1&b=x%20y") == [
        "GET",
        "/score",
        "/score?a=1&b=x%20y",
        "a=1&b=x%20y",
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_every_method_reaches_a_raw_script(raw: SandboxedScript, method: str) -> None:
    assert seen(raw, "request.method", method=method) == method


def test_arguments_of_the_query_are_seen(raw: SandboxedScript) -> None:
    expression = (
        "[(a := request.args)['a'], a.get('a', type=int), a.getlist('b'), a.get('c'),"
        " dict(a), list(a), a.to_dict(flat=False)]"
    )
    assert seen(raw, expression, query="a=1&b=x&b=y") == [
        "1",
        1,
        ["x", "y"],
        None,
        {"a": "1", "b": "x"},
        ["a", "b"],
        {"a": ["1"], "b": ["x", "y"]},
    ]


def test_headers_are_found_in_any_case(raw: SandboxedScript) -> None:
    expression = (
        "[request.headers['X-MY'], request.headers.get('x-my'), 'X-My' in request.headers, request.headers.get('y')]"
    )
    assert seen(raw, expression, headers={"x-my": "1"}) == ["1", "1", True, None]


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/x-www-form-urlencoded"])
def test_the_body_is_seen_as_bytes(raw: SandboxedScript, kind: str) -> None:
    expression = (
        "[list(request.get_data()), list(request.get_data(False)), list(request.data), list(request.stream.read())]"
    )
    assert seen(raw, expression, body=b"\x00\xff", headers={"content-type": kind}) == [[0, 255]] * 4


def test_the_body_is_seen_as_text_and_as_json(raw: SandboxedScript) -> None:
    expression = (
        "[request.get_data(as_text=True), request.json, request.get_json(), request.is_json, request.content_type]"
    )
    body, kind = b'{"a": 1}', "application/json; charset=utf-8"
    assert seen(raw, expression, body=body, headers={"content-type": kind}) == [
        body.decode(),
        {"a": 1},
        {"a": 1},
        True,
        kind,
    ]


def test_json_of_another_content_type_is_read_only_by_force(raw: SandboxedScript) -> None:
    assert seen(raw, "[request.get_json(force=True), request.get_json(silent=True)]", body=b"[1]") == [[1], None]
    assert sent(raw, "result = request.json", body=b"[1]").status == 500


def test_headers_can_be_gone_through(raw: SandboxedScript) -> None:
    expression = "[len(request.headers), sorted(request.headers), dict(request.headers)['X-My']]"
    assert seen(raw, expression, headers={"x-my": "1"}) == [2, ["X-Lines", "X-My"], "1"]


def test_an_upload_reads_and_is_saved_like_a_file(raw: SandboxedScript) -> None:
    body = b'--c\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\ny\r\n--c\r\nmalformed\r\n--c--'
    lines = """
import io, os, tempfile
upload, path, target = request.files["f"], os.path.join(tempfile.mkdtemp(), "saved"), io.BytesIO()
lines = [line.decode() for line in upload]
upload.seek(0); upload.save(path); upload.seek(0); upload.save(target)
result = [lines, open(path, "rb").read().decode(), target.getvalue().decode()]
"""
    reply = sent(raw, lines, body, {"content-type": "multipart/form-data; boundary=c"})
    assert json.loads(reply.body) == [["x\r\n", "y"], "x\r\ny", "x\r\ny"]


@pytest.mark.parametrize("kind", ["multipart/form-data", "text/plain"])
def test_what_is_no_form_has_no_fields(raw: SandboxedScript, kind: str) -> None:
    expression = "[dict(request.form), dict(request.files)]"
    assert seen(raw, expression, body=b"a=1", headers={"content-type": kind}) == [{}, {}]


def test_a_form_is_seen(raw: SandboxedScript) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert seen(raw, "[request.form['a'], request.form.getlist('b')]", body=b"a=x%20y&b=1&b=2", headers=kind) == [
        "x y",
        ["1", "2"],
    ]


def test_uploaded_files_are_seen(raw: SandboxedScript) -> None:
    body = (
        b'--cut\r\nContent-Disposition: form-data; name="label"\r\n\r\ncat\r\n'
        b'--cut\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        b"\x89PNG\r\n\x1a\n--not the end\r\n--cut--\r\n"
    )
    expression = (
        "[(f := request.files['image']).filename, f.content_type, list(f.read()), request.form['label'],"
        " list(request.files)]"
    )
    headers = {"content-type": "multipart/form-data; boundary=cut"}
    data = list(b"\x89PNG\r\n\x1a\n--not the end")
    assert seen(raw, expression, body=body, headers=headers) == ["a.png", "image/png", data, "cat", ["image"]]


def test_what_only_flask_has_is_told_in_the_log(raw: SandboxedScript) -> None:
    reply = sent(raw, "try: request.user_agent\nexcept AttributeError as error: result = str(error)")
    assert json.loads(reply.body) == (
        "this request has no 'user_agent': install azureml-inference-server-http in the deployment's environment"
    )


def test_the_other_name_of_the_package_serves_too(tmp_path: Path) -> None:
    source = RAW.replace("azureml.contrib.services.", "azureml_inference_server_http.api.")
    with running(tmp_path, source) as script:
        assert json.loads(ask(script, "GET", "lines=result%3Drequest.method").body) == "GET"


def test_the_real_package_is_used_where_it_is_installed(tmp_path: Path) -> None:
    """Made of Flask, whose requests know more than the one that stands in for them."""
    real = """
        from flask import Request as AMLRequest
        _rawHttpRequested = False
        def rawhttp(function):
            global _rawHttpRequested
            _rawHttpRequested = True
            return function
    """
    source = """
        from flask import Response
        from aml_request import AMLRequest, rawhttp
        import sys
        sys.modules["azureml_inference_server_http.api.aml_request"] = sys.modules["aml_request"]
        def init(): pass
        @rawhttp
        def run(request):
            assert isinstance(request, AMLRequest)
            told = [request.method, request.full_path, request.json, str(request.user_agent), request.args["a"]]
            return Response(repr(told), 201, {"X-Own": "1"})
    """
    with running(tmp_path, source, aml_request=real) as script:
        headers = {"content-type": "application/json", "user-agent": "curl"}
        reply = script.run(RawCall("POST", "a=1", headers, b'{"b": 2}'), Abort())
        assert reply.body.decode() == "['POST', '/score?a=1', {'b': 2}, 'curl', '1']"
        assert (reply.status, reply.headers["x-own"]) == (201, "1")
