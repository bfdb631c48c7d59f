"""What is sent to both sides, and where Slipway answers otherwise on purpose."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

JSON: Final = {"content-type": "application/json"}
FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART: Final = {"content-type": "multipart/form-data; boundary=cut"}
UPLOAD: Final = (
    b'--cut\r\nContent-Disposition: form-data; name="label"\r\n\r\ncat\r\n'
    b'--cut\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    b"\x89PNG\r\n\x1a\n\r\n--cut--\r\n"
)
FAILED: Final = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL: Final = "An unexpected internal error occurred. Check the logs for more info."


class Row(NamedTuple):
    """One request to one of the scripts."""

    script: str
    body: bytes = b""
    headers: Mapping[str, str] = JSON
    method: str = "POST"
    query: str = ""


class Told(NamedTuple):
    """A reply; of its headers those that the contract names, and the script's own."""

    status: int
    headers: dict[str, str]
    body: bytes


class Difference(NamedTuple):
    """A row that is answered otherwise here, and why; `there` and `here` are status and body."""

    why: str
    row: Row
    there: tuple[int, bytes]
    here: tuple[int, bytes]


def result(expression: str) -> Row:
    return Row("results", expression.encode())


def raw(lines: str, body: bytes = b"", headers: Mapping[str, str] = JSON, method: str = "POST", query: str = "") -> Row:
    return Row("raw", body, {**headers, "x-lines": lines}, method, query)


def seen(expression: str, **sent: Any) -> Row:
    """What a raw script sees of its request."""
    return raw(f"result = {expression}", **sent)


def schema(what: str, value: Any) -> Row:
    return Row("schema", json.dumps({"what": what, what: value}).encode())


def message(text: str) -> bytes:
    return json.dumps({"message": text}).encode()


ROWS: Final = (
    Row("plain", b'{"a": [1, 2]}'),
    Row("plain", b"no JSON", {"content-type": "text/plain"}),
    Row("plain", "grüße".encode()),
    Row("plain", b""),
    Row("plain", b'{"a": "\xff"}'),
    Row("plain", method="GET", query="a=1&b=[1,2]&c=x&c=y&d=null"),
    Row("plain", method="GET", query="s=a+b%20c&A=1&e=&n=NaN&a=%7B%22b%22:true%7D"),
    Row("plain", method="GET"),
    Row("plain", method="OPTIONS"),
    Row("plain", method="HEAD"),
    Row("plain", method="PUT"),
    Row("plain", method="DELETE"),
    Row("headers", b"", {**JSON, "x-my-own": "1", "X-OTHER-2nd": "a, b"}),
    *map(
        result,
        ("{'a': [1, 2.5, None, True]}", "[1, 'x']", "(1, 2)", "'text'", "'ü'", "json.dumps({'a': 1})", "None", "3"),
    ),
    *map(result, ("{1}", "b'x'", "np.array([1])", "np.float32(1)", "{'a': np.int64(1)}", "later()", "{(1, 2): 3}")),
    *map(result, ("[][1]", "1 / 0", "syntax error", "np.float64(1.5)", "{1: 'a', None: 2}")),
    result("(lambda a: a.append(a) or a)([])"),
    seen("[request.method, request.path, request.full_path]", query="a=1&b=x%20y", method="GET"),
    seen("[request.method, request.full_path]"),
    seen("[request.args['a'], request.args.getlist('b'), dict(request.args)]", query="a=1&b=x&b=y"),
    seen("request.method", method="OPTIONS"),
    seen("[request.get_data(as_text=True), request.json, request.is_json, request.content_type]", body=b'{"a": 1}'),
    seen("[list(request.get_data()), list(request.get_data(False))]", body=b"\x00\xff", headers=FORM),
    seen("[request.form['a'], request.form.getlist('b')]", body=b"a=x%20y&b=1&b=2", headers=FORM),
    seen(
        "[(f := request.files['image']).filename, f.content_type, list(f.read()), request.form['label']]",
        body=UPLOAD,
        headers=MULTIPART,
    ),
    seen("[request.headers['X-OWN'], request.headers.get('nothing')]", headers={**JSON, "x-own": "1"}),
    *(
        raw(f"result = {response}")
        for response in (
            "AMLResponse('text', 200)",
            "AMLResponse(b'\\x00\\xff', 202, {'Content-Type': 'image/png', 'x-own': 'a, b'})",
            "AMLResponse({'a': 1}, 200, json_str=True)",
            "AMLResponse({'a': 1}, 201, {'x-own': '1'}, json_str=True)",
            "AMLResponse('text', 200, json_str=True)",
            "AMLResponse(None, 200)",
            "AMLResponse('', 404)",
            "AMLResponse('broken', 500)",
            "AMLResponse('broken', 503, run_function_failed=False)",
            "AMLResponse('odd', 200, run_function_failed=True)",
            "{'a': 1}",
            "{1}",
            "[][1]",
        )
    ),
    raw("result = AMLResponse('', 200); result.headers['x-own'] = 'set'; result.headers.add('x-own', 'more')"),
    schema("grid", [[1, 2], [3, 4]]),
    schema("grid", [1, 2]),
    schema("grid", [[1, 2, 3]]),
    schema("grid", "text"),
    schema("record", [[1, 2], {"n": 3, "f": 4}]),
    schema("times", ["2024-02-29"]),
    schema("frame", [{"a": 1, "b": "y"}, {"a": 2, "b": "z"}]),
    schema("frame", [{"a": 1}]),
    schema("number", 2),
    schema("number", "2"),
    schema("day", "2024-02-29T01:02:03+00:00"),
    schema("blob", "eHl6"),
    schema("nested", {"x": [2], "y": 3}),
    schema("nested", [1]),
    schema("listed", [[1], [2, 3]]),
    Row("schema", b"", JSON),
    Row("schema", b"[1]", JSON),
    Row("schema", b"{}", JSON),
    Row("schema", b"{", JSON),
    Row("schema", b'{"what": "what"}', {"content-type": "text/plain"}),
    Row("schema", b'{"what": "what"}', {"content-type": "application/json; charset=utf-8"}),
    Row("schema", b'{"what": "what"}', {}),
    Row("schema", method="GET", query="what=number&number=2.5"),
    Row("schema", method="GET", query="number=2.5"),
)
DIFFERENCES: Final = (
    Difference(
        "a form arrives as it was sent",
        Row("plain", b"a=1&b=2", FORM),
        (200, b'{"type": "str", "text": "", "ready": true}'),
        (200, b'{"type": "str", "text": "a=1&b=2", "ready": true}'),
    ),
    Difference(
        "the answer is JSON, which has no NaN",
        result("[math.nan, math.inf, 1.0]"),
        (200, b"[NaN, Infinity, 1.0]"),
        (200, b"[null, null, 1.0]"),
    ),
    Difference(
        "bytes that are no UTF-8 are the caller's fault",
        Row("schema", b'{"what": "\xff"}'),
        (500, message(INTERNAL)),
        (
            400,
            message(
                "POST body could not be decoded as JSON: "
                "'utf-8' codec can't decode byte 0xff in position 10: invalid start byte"
            ),
        ),
    ),
    Difference(
        "the caller's credentials are kept back",
        seen("[request.headers.get('authorization'), request.headers.get('cookie')]",
             headers={**JSON, "authorization": "Bearer secret", "cookie": "a=b"}),
        (200, b'["Bearer secret", "a=b"]'),
        (200, b"[null, null]"),
    ),
)  # fmt: skip
