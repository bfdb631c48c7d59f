"""The order of a scoring request's steps, and what its reply says."""

import asyncio

import orjson
import pytest

from shared.auth.access import Role
from shared.endpoints.audit import Author
from shared.errors import (
    DeploymentNotFound,
    EndpointNotFound,
    MalformedRequest,
    MethodNotAllowed,
    ModelNotReady,
    NotAuthenticated,
    NotAuthorized,
    Overloaded,
    PayloadTooLarge,
    SchemaMismatch,
    ScoringFailed,
    ScoringTimeout,
    StorageUnavailable,
    UnsupportedMediaType,
)
from shared.models.package import package_path
from shared.models.scoring import Predictions
from shared.models.signature import Inputs
from shared.online.admission import BytesInHand
from shared.online.exchange import Rendered
from shared.online.handler import ScoreReply, Trail
from shared.ports import Container
from tests.support import endpoint as published
from tests.unit.models.graphs import MODEL_FILE
from tests.unit.online.house import ANN, BOB, GOOD, House


@pytest.fixture
def house() -> House:
    return House()


async def test_a_request_walks_from_the_token_to_the_reply(house: House) -> None:
    reply = await house.score()
    assert reply == ScoreReply(Rendered(b"[10.0,20.0]", "application/json"), "blue", "blue/1")
    assert house.trail == Trail("flowers", "blue", "blue/1")
    assert house.steps == ["authenticate", "endpoints", "endpoints", "models", "models", "read", "convert", "render"]


async def test_the_reply_says_which_deployment_and_model_answered(house: House) -> None:
    reply = await house.score(pinned="green")
    assert (reply.deployment, reply.model) == ("green", "green/7")


async def test_nothing_is_read_for_a_caller_without_a_token(house: House) -> None:
    assert (
        await house.refused(b"\xff", headers={"authorization": None, "content-type": "x"}, endpoint="unknown")
        is NotAuthenticated
    )
    assert house.steps == ["authenticate"]


@pytest.mark.parametrize("roles", [set(), {Role.READ, Role.BATCH, Role.MANAGE}])
async def test_a_caller_without_the_role_learns_nothing_of_endpoints(house: House, roles: set[Role]) -> None:
    house.door.roles = roles
    assert await house.refused(endpoint="unknown") is NotAuthorized
    assert house.steps == ["authenticate"]


async def test_an_endpoint_may_be_open_to_listed_callers_only(house: House) -> None:
    house.publish(allowed_object_ids=[ANN.upper()])
    assert (await house.score()).deployment == "blue"
    house.steps.clear()
    assert await house.refused(b"\xff", headers={"authorization": BOB}, pinned="unknown") is NotAuthorized
    assert "read" not in house.steps
    assert "models" not in house.steps


async def test_an_unknown_endpoint_is_not_found(house: House) -> None:
    assert await house.refused(endpoint="unknown") is EndpointNotFound


async def test_the_route_is_chosen_before_the_body_is_looked_at(house: House) -> None:
    """The schema belongs to the deployment."""
    assert await house.refused(b"\xff", pinned="unknown") is DeploymentNotFound
    house.changes.set_traffic("flowers", {}, Author("ann", published.NOW))
    assert await house.refused(b"\xff") is DeploymentNotFound
    assert "read" not in house.steps
    assert (await house.score(pinned="blue")).deployment == "blue"


async def test_a_body_that_does_not_fit_never_reaches_the_model(house: House) -> None:
    assert await house.refused(b"{") is MalformedRequest
    assert await house.refused(b'{"input_data": [["a"]]}') is SchemaMismatch
    assert await house.refused(headers={"content-type": "text/csv"}) is UnsupportedMediaType
    assert "render" not in house.steps


async def test_a_model_that_raises_fails_the_request_and_not_the_next_one(house: House) -> None:
    assert await house.refused(b'{"input_data": [[4]]}', pinned="green") is ScoringFailed
    assert await house.answer(b'{"input_data": [[2]]}', pinned="green") == b"[20.0]"


async def test_one_model_that_cannot_be_loaded_leaves_the_others_alone(house: House) -> None:
    house.store.write(Container.MODELS, package_path("green", "7", MODEL_FILE), b"changed")
    assert await house.refused(pinned="green") is ModelNotReady
    assert (await house.score(pinned="blue")).deployment == "blue"


async def test_a_known_endpoint_is_scored_while_storage_is_away(house: House) -> None:
    await house.score()
    house.store.down = True
    assert await house.answer() == b"[10.0,20.0]"
    assert await house.refused(pinned="green") is StorageUnavailable


async def test_the_deployments_own_timeout_counts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    async def predict(served: object, key: object, inputs: Inputs, lanes: object, deadline: float) -> Predictions:
        seen.append(deadline - asyncio.get_running_loop().time())
        raise ScoringTimeout("too slow")

    monkeypatch.setattr("shared.models.scoring.predict_online", predict)
    house.publish(timeout_ms=100_000)
    assert await house.refused() is ScoringTimeout
    assert seen == [pytest.approx(100, abs=20)]


async def test_traffic_splits_by_the_request_id(house: House) -> None:
    house.changes.set_traffic("flowers", {"blue": 50, "green": 50}, Author("ann", published.NOW))
    for name in ("blue", "green"):
        await house.score(pinned=name)
    first = [(await house.score(request_id=f"request-{number}")).deployment for number in range(20)]
    again = [(await house.score(request_id=f"request-{number}")).deployment for number in range(20)]
    assert first == again
    assert set(first) == {"blue", "green"}


async def test_no_rows_are_answered_with_an_empty_list(house: House) -> None:
    assert orjson.loads(await house.answer(b'{"input_data": []}')) == []


async def test_a_large_body_is_answered_off_the_event_loop_and_equally(house: House) -> None:
    body = orjson.dumps({"input_data": [[row % 3] for row in range(40_000)]})
    assert len(body) > 64 * 1024
    rows = orjson.loads(await house.answer(body))
    assert rows == [row % 3 * 10.0 for row in range(40_000)]
    assert await house.refused(body[:-2]) is MalformedRequest


async def test_a_body_over_the_bound_is_refused_only_after_the_caller_is_known(house: House) -> None:
    assert await house.refused(b" " * 1_000_001) is PayloadTooLarge
    house.door.roles = set()
    assert await house.refused(b" " * 1_000_001) is NotAuthorized


async def test_a_packed_body_is_refused_clearly(house: House) -> None:
    assert await house.refused(headers={"content-encoding": "br"}) is UnsupportedMediaType


async def test_rows_come_by_post(house: House) -> None:
    assert await house.refused(method="GET") is MethodNotAllowed


async def test_a_request_that_fails_lets_its_bytes_go(house: House) -> None:
    house.ports = house.ports._replace(in_hand=BytesInHand(len(GOOD)))
    for _ in range(3):
        assert await house.refused(b'{"input_data": [[9]]}') is ScoringFailed
        assert await house.answer() == b"[10.0,20.0]"


async def test_the_trail_ends_where_the_request_ended(house: House) -> None:
    assert await house.refused(endpoint="unknown") is EndpointNotFound
    assert house.trail == Trail()
    assert await house.refused(pinned="unknown") is DeploymentNotFound
    assert house.trail == Trail("flowers")


async def test_a_quota_that_is_used_up_is_counted_at_its_endpoint(house: House) -> None:
    house.publish(quota={"requests_per_minute": 1})
    await house.score()
    house.trail = Trail()
    assert await house.refused() is Overloaded
    assert house.trail == Trail("flowers")
