"""What monitoring has found, and feedback, over HTTP."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import orjson
import pytest

from shared.auth import endpoint_keys
from shared.auth.access import Role
from shared.endpoints.audit import Author
from shared.endpoints.callers import StoredKey
from shared.errors import MalformedRequest
from shared.monitoring import results
from shared.monitoring.results import Result
from shared.monitoring.windows import last_whole
from shared.ports import Container, Page
from shared.triggers import monitoring
from shared.triggers.http import Body, respond
from tests.unit.online.house import ANN, House

PERFORMANCE = {"output": "value", "accuracy": 0.5}
TRUTH = {"request_id": "a", "ground_truth": 1}


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    made = House()
    for module in ("http", "manage", "monitoring"):
        monkeypatch.setattr(f"shared.triggers.{module}.services", lambda: services(made))
    made.publish(monitoring={"model_performance": PERFORMANCE})
    return made


def services(house: House) -> SimpleNamespace:
    return SimpleNamespace(
        online=house.ports,
        store=house.store,
        catalog=house.ports.catalog,
        authenticator=house.door,
        settings=SimpleNamespace(max_body_bytes=16_777_216),
        metrics=SimpleNamespace(refused=lambda code: None),
    )


async def ask(body: Body, told: object = b"", query: dict[str, str] | None = None, **route: str) -> tuple[int, Any]:
    request = func.HttpRequest(
        "POST",
        "https://app/x",
        headers={"authorization": route.pop("authorization", ANN)},
        params=query or {},
        route_params={"endpoint": "flowers", **route},
        body=told if isinstance(told, bytes) else orjson.dumps(told),
    )
    reply = await respond(request, body)
    return reply.status_code, orjson.loads(reply.get_body())


def found(house: House, deployment: str, hours_ago: int = 0) -> None:
    window = last_whole(datetime.now(UTC) - timedelta(hours=hours_ago), 1)
    result = Result(
        endpoint="flowers",
        deployment=deployment,
        model="lookup/1",
        window_start=window.start,
        window_end=window.end,
        checked_at=window.end,
        status="Ok",
        rows=hours_ago,
    )
    results.create(house.store, window, result)


async def test_the_newest_result_of_each_deployment_is_told(house: House) -> None:
    house.door.roles = {Role.READ}
    assert await ask(monitoring._newest) == (200, {"value": []})
    for hours in (2, 0, 1):
        found(house, "blue", hours)
    found(house, "green", 3)
    found(house, "gone")
    _, told = await ask(monitoring._newest)
    assert [(each["deployment"], each["rows"]) for each in told["value"]] == [("blue", 0), ("green", 3)]


async def test_the_history_of_a_deployment_is_told_page_by_page(house: House) -> None:
    house.door.roles = {Role.READ}
    for hours in range(3):
        found(house, "blue", hours)
    _, first = await ask(monitoring._history, query={"$top": "2"}, deployment="blue")
    _, rest = await ask(monitoring._history, query={"$top": "2", "$skiptoken": first["skiptoken"]}, deployment="blue")
    assert [each["rows"] for each in (*first["value"], *rest["value"])] == [0, 1, 2]
    assert rest["skiptoken"] == ""


async def test_a_page_that_does_not_exist_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(container: str, prefix: str, most: int, marker: str = "") -> Page:
        raise MalformedRequest("this page does not exist: begin at the first one")

    house.door.roles = {Role.READ}
    monkeypatch.setattr(house.store, "list_page", refuse)
    assert (await ask(monitoring._history, query={"$skiptoken": "x"}, deployment="blue"))[0] == 400


@pytest.mark.parametrize("deployment", ["gone", "_feedback", "results", ""])
async def test_what_is_no_deployment_has_no_history(house: House, deployment: str) -> None:
    house.door.roles = {Role.READ}
    status, told = await ask(monitoring._history, deployment=deployment)
    assert (status, told["error"]["code"]) == (404, "DeploymentNotFound")


@pytest.mark.parametrize("body", [monitoring._newest, monitoring._history])
async def test_who_may_only_score_reads_nothing(house: House, body: Body) -> None:
    assert (await ask(body, deployment="blue"))[0] == 403


async def test_feedback_is_kept_for_who_may_score(house: House) -> None:
    assert await ask(monitoring._tell, {"feedback": [TRUTH]}) == (202, {"accepted": 1, "kept": 1})
    (item,) = house.store.list(Container.CAPTURE)
    assert item.name.startswith("flowers/_feedback/2")
    house.door.roles = {Role.READ}
    assert (await ask(monitoring._tell, {"feedback": [TRUTH]}))[0] == 403


async def test_a_key_opens_the_feedback_of_its_own_endpoint_alone(house: House) -> None:
    asked: dict[str, Any] = {"auth_mode": ["entra", "key"], "monitoring": {"model_performance": PERFORMANCE}}
    house.publish(**asked)
    house.publish(**asked, name="others")
    key, now = endpoint_keys.make(), datetime.now(UTC)
    stored = StoredKey(sha256=endpoint_keys.digest(key), created_at=now, created_by="ann")
    house.changes.set_key("flowers", "primary", stored, Author("ann", now))
    told = {"feedback": [TRUTH]}
    assert [
        (await ask(monitoring._tell, told, endpoint=each, authorization=f"Bearer {key}"))[0]
        for each in ("flowers", "others")
    ] == [202, 401]
    assert all(item.name.startswith("flowers/") for item in house.store.list(Container.CAPTURE))


async def test_feedback_counts_as_a_request(house: House) -> None:
    house.publish(quota={"requests_per_minute": 1}, monitoring={"model_performance": PERFORMANCE})
    assert [(await ask(monitoring._tell, {"feedback": [TRUTH]}))[0] for _ in range(2)] == [202, 429]


@pytest.mark.parametrize("settings", [None, {}])
async def test_an_endpoint_that_asks_for_none_takes_no_feedback(house: House, settings: dict[str, Any] | None) -> None:
    house.publish(monitoring=settings)
    status, told = await ask(monitoring._tell, {"feedback": [TRUTH]})
    assert (status, told["error"]["code"]) == (409, "InvalidTransition")
    assert list(house.store.list(Container.CAPTURE)) == []


async def test_an_endpoint_that_is_not_there_takes_no_feedback(house: House) -> None:
    for name, code in (("other", "EndpointNotFound"), ("../x", "EndpointNotFound")):
        status, told = await ask(monitoring._tell, {"feedback": [TRUTH]}, endpoint=name)
        assert (status, told["error"]["code"]) == (404, code)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"feedback": ' * 50_000, 400),
        (b'{"feedback": [{"request_id": "\\ud800", "ground_truth": 1}]}', 400),
        (b'{"feedback": [{"request_id": "a", "ground_truth": ' + b"9" * 5000 + b"}]}", 400),
        (b" " * (4 * 1024 * 1024 + 1), 413),
    ],
)
async def test_a_body_that_is_no_feedback_is_refused(house: House, body: bytes, status: int) -> None:
    assert (await ask(monitoring._tell, body))[0] == status


@pytest.mark.parametrize(
    "body",
    [
        b'{"feedback": [' + b"{}," * 500_000 + b"{}]}",
        b'{"feedback": [{' + b",".join(b'"%d": 1' % at for at in range(200_000)) + b"}]}",
        b"{" + b",".join(b'"%d": 1' % at for at in range(200_000)) + b"}",
    ],
    ids=["rows", "members of a row", "members"],
)
async def test_a_body_full_of_mistakes_is_refused_in_few_words(house: House, body: bytes) -> None:
    status, told = await ask(monitoring._tell, body)
    assert (status, len(told["error"]["message"]) < 500) == (400, True)
