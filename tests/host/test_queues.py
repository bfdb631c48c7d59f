"""Queue triggers and queue outputs."""

import base64

from devhost.stack import Stack
from tests.host.foreign import call, eventually, messages, records, send_message


def test_a_message_put_by_one_function_reaches_another(stack: Stack) -> None:
    assert call(stack, "/api/queue", b"from http").status == 202
    seen = eventually(lambda: records(stack, "messages", text="from http"), "the message")
    assert seen == [{"text": "from http", "tries": 1}]


def test_a_bad_message_is_poison_after_five_tries(stack: Stack) -> None:
    send_message(stack, "records-work", base64.b64encode(b"bad").decode())
    eventually(lambda: "bad" in messages(stack, "records-work-poison"), "the poison message")
    assert [fact["tries"] for fact in records(stack, "messages", text="bad")] == [1, 2, 3, 4, 5]
    assert "bad" not in messages(stack, "records-work")


def test_a_message_that_is_not_base64_is_poison_at_once(stack: Stack) -> None:
    send_message(stack, "records-work", "not base64!")
    eventually(lambda: "not base64!" in messages(stack, "records-work-poison"), "the poison message")
    assert not records(stack, "messages", text="not base64!")


def test_a_message_of_bytes_reaches_the_function(stack: Stack) -> None:
    send_message(stack, "records-work", base64.b64encode(b"\xff\xfe").decode())
    seen = eventually(lambda: records(stack, "messages", text="\\xff\\xfe"), "the message")
    assert len(seen) == 1


def test_a_blob_input_is_read_for_an_http_function(stack: Stack) -> None:
    call(stack, "/api/queue", b"for the blob input")
    eventually(lambda: records(stack, "messages", text="for the blob input"), "the message")
    assert b"for the blob input" in call(stack, "/api/blobs/messages").body
