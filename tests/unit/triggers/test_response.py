import azure.functions as func
import orjson
import pytest
from azure.functions.http import HttpResponseConverter

from shared.triggers.http import Call, Reply, respond
from shared.triggers.response import Response


def sent(response: func.HttpResponse) -> tuple[str, dict[str, str], list[str], bytes]:
    """Status, headers, cookies and body, as the Functions library hands them to the host."""
    value = HttpResponseConverter.encode(response, expected_type=None).value
    headers = {name.lower(): datum.value for name, datum in value["headers"].items()}
    cookies = [morsel.OutputString() for cookie in value["cookies"] or [] for morsel in cookie.values()]
    return value["status_code"].value, headers, cookies, value["body"].value


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {}),
        (401, {"WWW-Authenticate": 'Bearer realm="slipway"', "x-request-id": "1"}),
        (200, {"Content-Type": "text/csv; charset=utf-8"}),
        (200, {"Set-Cookie": "a=1; Path=/"}),
        (200, {"set-cookie": "a=1; HttpOnly"}),
        (204, {"x-empty": ""}),
    ],
)
def test_it_is_sent_as_the_librarys_own_would_be(status: int, headers: dict[str, str]) -> None:
    own = func.HttpResponse(b"{}", status_code=status, headers=headers, mimetype="application/json")
    assert sent(Response(b"{}", status, "application/json", headers)) == sent(own)


@pytest.mark.parametrize("value", ["a\nb: c", "a\r\nb: c", "a\rb", "a\0b"])
def test_a_line_break_in_a_header_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="'x-a' holds a line break"):
        Response(b"", 200, "application/json", {"x-a": value})
    with pytest.raises(ValueError, match="'content-type' holds a line break"):
        Response(b"", 200, value, {})


@pytest.mark.parametrize("reply", [Reply(b"", headers={"x-a": "a\nb"}), Reply(b"", content_type="a\nb")])
async def test_a_reply_that_cannot_be_sent_is_a_fault_of_the_app(
    reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(call: Call) -> Reply:
        return reply

    response = await respond(func.HttpRequest("POST", "https://app/x", body=b""), body)
    assert response.status_code == 500
    assert orjson.loads(response.get_body())["error"]["code"] == "InternalError"
    assert f"request {response.headers['x-request-id']} failed" in caplog.text


def test_it_tells_what_it_holds() -> None:
    response = Response(b"{}", 201, "application/json; charset=utf-8", {"Location": "/a"})
    told = (
        response.status_code,
        response.mimetype,
        response.charset,
        response.get_body(),
        response.headers["LOCATION"],
    )
    assert told == (201, "application/json", "utf-8", b"{}", "/a")
