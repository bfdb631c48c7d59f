"""The HTTP front, seen from outside."""

import socket

import pytest

from devhost.stack import Stack
from tests.host.foreign import call


def test_a_request_reaches_the_function_whole(stack: Stack) -> None:
    reply = call(stack, "/api/echo/A%20b?x=1&x=2&empty=", b"the body")
    seen = reply.json()
    assert reply.status == 200
    assert reply.header("x-own") == "yes"
    assert reply.header("content-type") == "application/json"
    assert seen["method"] == "POST"
    assert seen["url"] == f"{stack.url}/api/echo/A%20b?x=1&x=2&empty="
    assert seen["route"] == {"name": "A b"}
    assert seen["query"] == {"x": "1,2", "empty": ""}
    assert seen["body"] == "the body"


def test_a_header_sent_twice_arrives_joined(stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        connection.sendall(
            b"GET /api/echo/x HTTP/1.1\r\nHost: h\r\nX-Many: a\r\nX-Many: b\r\nConnection: close\r\n\r\n"
        )
        assert b'"x-many": "a, b"' in b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/api/echo/fixed", "fixed"),
        ("/api/ECHO/fixed", "fixed"),
        ("/api/items/17", "item 17"),
        ("/api/files/a/b%2Fc", "a/b%2Fc"),
        ("/api/files", "nothing"),
        ("/api/files/", "nothing"),
    ],
)
def test_a_path_finds_its_function(stack: Stack, path: str, text: str) -> None:
    assert call(stack, path).body.decode() == text


@pytest.mark.parametrize("path", ["/", "/echo/fixed", "/api/items/x", "/api/items", "/admin/nothing", "/runtime/x"])
def test_an_unknown_path_is_404_in_json(stack: Stack, path: str) -> None:
    reply = call(stack, path)
    assert reply.status == 404
    assert reply.json()["error"]["code"] == "NotFound"


def test_a_wrong_method_is_405_and_names_the_right_ones(stack: Stack) -> None:
    reply = call(stack, "/api/items/1", b"", method="PUT")
    assert reply.status == 405
    assert reply.header("allow") == "DELETE, GET, HEAD"
    assert reply.json()["error"]["code"] == "MethodNotAllowed"


def test_two_functions_share_a_route_by_method(stack: Stack) -> None:
    reply = call(stack, "/api/items/1", method="DELETE")
    assert (reply.status, reply.body, reply.header("content-length")) == (204, b"", None)


def test_head_answers_with_the_headers_alone(stack: Stack) -> None:
    reply = call(stack, "/api/echo/fixed", method="HEAD")
    assert (reply.status, reply.body, reply.header("content-length")) == (200, b"", "5")


def test_each_cookie_has_its_own_header(stack: Stack) -> None:
    reply = call(stack, "/api/cookies")
    cookies = [value for name, value in reply.headers if name == "set-cookie"]
    assert reply.status == 201
    assert cookies == ["a=1; HttpOnly; Path=/", "b=2; Max-Age=60; SameSite=Lax"]


@pytest.mark.parametrize("path", ["/api/fail", "/api/leave", "/api/split?value=a%0d%0aset-cookie:x"])
def test_a_function_that_fails_is_500_without_a_stack(stack: Stack, path: str) -> None:
    reply = call(stack, path)
    assert reply.status == 500
    assert reply.json() == {
        "error": {
            "code": "InternalServerError",
            "message": "The function failed. The host's log says why.",
        }
    }
    assert call(stack, "/api/echo/fixed").status == 200


def test_the_stack_of_a_failure_is_in_the_log_once(stack: Stack) -> None:
    before = stack.host_log.read_text().count("the secret of the stack\n")
    call(stack, "/api/fail")
    # Once in the source line that the traceback quotes, once as the message.
    assert stack.host_log.read_text().count("ValueError: the secret of the stack\n") >= 1
    assert stack.host_log.read_text().count("the secret of the stack\n") == before + 1


def test_a_body_over_100_mb_is_refused_before_it_is_read(stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        connection.sendall(b"POST /api/echo/x HTTP/1.1\r\nHost: h\r\nContent-Length: 104857601\r\n\r\nthe beginning")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_large_body_arrives_whole(stack: Stack) -> None:
    assert len(call(stack, "/api/echo/x", b"x" * 3_000_000).json()["body"]) == 3_000_000


def test_the_host_tells_its_state(stack: Stack) -> None:
    assert call(stack, "/admin/host/status").json()["state"] == "Running"
    assert call(stack, "/admin/host/status", b"").status == 405
