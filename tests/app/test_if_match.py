"""Which state of an endpoint a change is made to: ETag, If-Match and If-None-Match over HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests

from tests.app.client import Client

MANAGE, READ = "Endpoint.Manage", "Endpoint.Read"
type Publish = Callable[..., dict[str, Any]]


def etag(client: Client, name: str) -> str:
    return client.ask("GET", f"/endpoints/{name}", READ).headers["ETag"]


def body(revision: dict[str, Any], **changes: Any) -> dict[str, Any]:
    own = ("schema_version", "number", "created_at", "created_by")
    return {**{key: value for key, value in revision.items() if key not in own}, **changes}


def send_revision(client: Client, revision: dict[str, Any], headers: dict[str, str], **changes: Any) -> Any:
    path = f"/endpoints/{revision['name']}/revisions"
    return client.ask("POST", path, MANAGE, json=body(revision, **changes), headers=headers)


def refusal(reply: requests.Response) -> tuple[int, str, str]:
    error = reply.json()["error"]
    return reply.status_code, error["code"], error["message"]


def test_each_change_is_made_to_what_was_seen_and_answers_with_what_it_has_made(
    client: Client, publish: Publish
) -> None:
    revision = publish("seen")["revision"]
    path, tag = "/endpoints/seen", etag(client, "seen")
    assert client.ask("HEAD", path, READ).headers["ETag"] == etag(client, "seen") == tag
    for change in (
        lambda seen: send_revision(client, revision, seen, quota={"requests_per_minute": 9}),
        lambda seen: client.ask("PUT", f"{path}/traffic", MANAGE, json={"traffic": {"green": 100}}, headers=seen),
        lambda seen: client.ask("POST", f"{path}/rollback", MANAGE, json={"revision": 1}, headers=seen),
        # Who compresses replies on the way makes their ETags weak.
        lambda seen: client.ask(
            "PUT", f"{path}/traffic", MANAGE, json={"traffic": {}}, headers={"If-Match": f"W/{seen['If-Match']}"}
        ),
    ):
        reply = change({"If-Match": tag})
        assert reply.ok, reply.text
        assert reply.headers["ETag"] == etag(client, "seen") != tag
        told = 412, "StaleDocument", "endpoint 'seen' was changed by someone else: read it and repeat the change"
        assert refusal(change({"If-Match": tag})) == told
        assert etag(client, "seen") == reply.headers["ETag"]
        tag = reply.headers["ETag"]
    assert refusal(client.ask("DELETE", path, MANAGE, headers={"If-Match": '"0x1"'}))[0] == 412
    assert client.ask("DELETE", path, MANAGE, headers={"If-Match": tag}).status_code == 200


def test_an_endpoint_that_must_be_new_is_made_once(client: Client, publish: Publish) -> None:
    revision = publish("seen-first")["revision"]
    told = refusal(send_revision(client, revision, {"If-None-Match": "*"}))
    assert told == (
        412,
        "StaleDocument",
        "endpoint 'seen-first' is there already: read it and repeat the change",
    )
    assert send_revision(client, body(revision, name="seen-new"), {"If-None-Match": "*"}).status_code == 201
    assert send_revision(client, revision, {"If-Match": "*"}).status_code == 201
    assert send_revision(client, body(revision, name="seen-never"), {"If-Match": "*"}).status_code == 412


@pytest.mark.parametrize(
    "headers",
    [{"If-Match": "0x1"}, {"If-Match": '"a", "b"'}, {"If-Match": ""}, {"If-Match": "W/*"}, {"If-None-Match": '"a"'}],
)
def test_what_is_no_etag_is_refused(client: Client, publish: Publish, headers: dict[str, str]) -> None:
    revision = publish("seen-odd")["revision"]
    assert refusal(send_revision(client, revision, headers))[:2] == (400, "MalformedRequest")


@pytest.mark.parametrize("new", [False, True])
def test_of_two_publishers_who_have_seen_the_same_exactly_one_wins(client: Client, publish: Publish, new: bool) -> None:
    revision = publish("seen-both")["revision"]
    name = "seen-race" if new else "seen-both"
    condition = {"If-None-Match": "*"} if new else {"If-Match": etag(client, name)}
    before = 0 if new else revision["number"]
    start = Barrier(2)

    def send(rate: int) -> requests.Response:
        start.wait()
        changes = {"name": name, "quota": {"requests_per_minute": rate}}
        return client.ask(
            "POST", f"/endpoints/{name}/revisions", MANAGE, json=body(revision, **changes), headers=condition
        )

    with ThreadPoolExecutor(2) as pool:
        replies = dict(zip((1, 2), pool.map(send, (1, 2)), strict=True))
    assert sorted(reply.status_code for reply in replies.values()) == [201, 412]
    winner = next(rate for rate, reply in replies.items() if reply.ok)
    found = client.ask("GET", f"/endpoints/{name}", READ)
    assert found.json()["revision"]["quota"] == {"requests_per_minute": winner}
    assert found.headers["ETag"] == replies[winner].headers["ETag"]
    assert refusal(replies[3 - winner])[2].endswith(": read it and repeat the change")
    assert len(client.ask("GET", f"/endpoints/{name}/audit", READ).json()["value"]) == before + 1
