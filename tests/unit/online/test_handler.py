"""The order of a scoring request's steps, and what its reply says."""

from typing import Any, cast

import orjson
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.auth.access import Principal, Role
from shared.auth.authenticate import Authenticator
from shared.endpoints.catalog import Catalog
from shared.errors import (
    DeploymentNotFound,
    EndpointNotFound,
    MalformedRequest,
    ModelNotReady,
    NotAuthenticated,
    NotAuthorized,
    PayloadTooLarge,
    SchemaMismatch,
    ScoringFailed,
    ScoringTimeout,
    SlipwayError,
    StorageUnavailable,
    UnsupportedMediaType,
)
from shared.models.features import Converter
from shared.models.loader import Loader
from shared.models.package import ModelRef, package_path
from shared.models.scoring import Predictions
from shared.models.signature import Features, Inputs
from shared.online.exchange import Answered, Message, Rendered
from shared.online.handler import OnlinePorts, ScoreReply, ScoreRequest, score
from shared.online.protocols import azureml
from shared.ports import Blob, Container
from tests.support import endpoint as published
from tests.unit.models.graphs import MODEL_FILE, columns, lookup, upload

TENANT, ANN, BOB = (f"{digit * 8}-1111-1111-1111-111111111111" for digit in "abc")
GOOD = b'{"input_data": [[1], [2]]}'


class Watched(MemoryBlobs):
    """Storage that notes that it was read."""

    def __init__(self, steps: list[str]) -> None:
        super().__init__()
        self._steps = steps
        self.down = False

    def read(
        self,
        container: Container,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        self._steps.append(str(container))
        if self.down:
            raise StorageUnavailable("storage does not answer")
        return super().read(container, name, offset=offset, length=length, if_match=if_match)


class Door:
    """Lets in whoever says a name: the authenticator's place is taken, because tokens have their own tests."""

    def __init__(self, steps: list[str]) -> None:
        self._steps = steps
        self.roles = {Role.SCORE}

    async def authenticate(self, authorization: str | None) -> Principal:
        self._steps.append("authenticate")
        if authorization is None:
            raise NotAuthenticated("send a token")
        return Principal(TENANT, authorization, BOB, "app", frozenset(self.roles), frozenset())


class Noted:
    """Azure ML's protocol, and a note that it was used."""

    NAME = azureml.NAME

    def __init__(self, steps: list[str]) -> None:
        self._steps = steps

    def read(self, message: Message) -> azureml.Request:
        self._steps.append("read")
        return azureml.read(message)

    def convert(self, request: azureml.Request, converter: Converter) -> Inputs:
        self._steps.append("convert")
        return azureml.convert(request, converter)

    def render(self, predictions: Predictions, request: azureml.Request, answered: Answered) -> Rendered:
        self._steps.append("render")
        return azureml.render(predictions, request, answered)

    def render_error(self, error: SlipwayError, status: int) -> bytes:
        return azureml.render_error(error, status)


class House:
    """The endpoint `flowers`: `blue` knows the indexes below 5, `green` those below 3."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.store = Watched(self.steps)
        self.door = Door(self.steps)
        self.blue = upload(self.store, lookup(5), columns("index", type="long"), name="blue")
        self.green = upload(self.store, lookup(3), columns("index", type="long"), name="green", version="7")
        self.publish()

    def publish(self, timeout_ms: int = 5000, **changes: Any) -> None:
        def deployment(ref: ModelRef) -> dict[str, Any]:
            return {"model": ref._asdict(), "request_settings": {"request_timeout_ms": timeout_ms}}

        deployments = {"blue": deployment(self.blue), "green": deployment(self.green)}
        published.publish(self.store, self.blue, deployments=deployments, **changes)
        self.ports = OnlinePorts(
            cast(Authenticator, self.door),
            Catalog(self.store, 2.0, clock=lambda: 0.0),
            Loader(self.store, 1),
            max_body_bytes=1_000_000,
        )
        self.steps.clear()

    async def score(self, body: bytes = GOOD, **changes: Any) -> ScoreReply:
        request = ScoreRequest("flowers", "request-1", ANN, None, "application/json", None, body)
        return await score(request._replace(**changes), Noted(self.steps), self.ports)

    async def refused(self, body: bytes = GOOD, **changes: Any) -> type[SlipwayError]:
        with pytest.raises(SlipwayError) as caught:
            await self.score(body, **changes)
        return caught.type


@pytest.fixture
def house() -> House:
    return House()


async def test_a_request_walks_from_the_token_to_the_reply(house: House) -> None:
    reply = await house.score()
    assert reply == ScoreReply(b"[10.0,20.0]", "application/json", "blue", "blue/1")
    assert house.steps == ["authenticate", "endpoints", "endpoints", "models", "models", "read", "convert", "render"]


async def test_the_reply_says_which_deployment_and_model_answered(house: House) -> None:
    reply = await house.score(pinned="green")
    assert (reply.deployment, reply.model) == ("green", "green/7")


async def test_nothing_is_read_for_a_caller_without_a_token(house: House) -> None:
    assert await house.refused(b"\xff", authorization=None, endpoint="unknown", content_type="x") is NotAuthenticated
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
    assert await house.refused(b"\xff", authorization=BOB, pinned="unknown") is NotAuthorized
    assert "read" not in house.steps
    assert "models" not in house.steps


async def test_an_unknown_endpoint_is_not_found(house: House) -> None:
    assert await house.refused(endpoint="unknown") is EndpointNotFound


async def test_the_route_is_chosen_before_the_body_is_looked_at(house: House) -> None:
    """The schema belongs to the deployment."""
    assert await house.refused(b"\xff", pinned="unknown") is DeploymentNotFound
    house.ports.catalog.set_traffic("flowers", {}, "ann", published.NOW)
    assert await house.refused(b"\xff") is DeploymentNotFound
    assert "read" not in house.steps
    assert (await house.score(pinned="blue")).deployment == "blue"


async def test_a_body_that_does_not_fit_never_reaches_the_model(house: House) -> None:
    assert await house.refused(b"{") is MalformedRequest
    assert await house.refused(b'{"input_data": [["a"]]}') is SchemaMismatch
    assert await house.refused(content_type="text/csv") is UnsupportedMediaType
    assert "render" not in house.steps


async def test_a_model_that_raises_fails_the_request_and_not_the_next_one(house: House) -> None:
    assert await house.refused(b'{"input_data": [[4]]}', pinned="green") is ScoringFailed
    assert (await house.score(b'{"input_data": [[2]]}', pinned="green")).body == b"[20.0]"


async def test_one_model_that_cannot_be_loaded_leaves_the_others_alone(house: House) -> None:
    house.store.write(Container.MODELS, package_path("green", "7", MODEL_FILE), b"changed")
    assert await house.refused(pinned="green") is ModelNotReady
    assert (await house.score(pinned="blue")).deployment == "blue"


async def test_a_known_endpoint_is_scored_while_storage_is_away(house: House) -> None:
    await house.score()
    house.store.down = True
    assert (await house.score()).body == b"[10.0,20.0]"
    assert await house.refused(pinned="green") is StorageUnavailable


async def test_the_deployments_own_timeout_counts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    async def predict(model: object, features: Features, timeout_s: float) -> Predictions:
        seen.append(timeout_s)
        raise ScoringTimeout("too slow")

    monkeypatch.setattr("shared.models.scoring.predict_online", predict)
    house.publish(timeout_ms=250)
    assert await house.refused() is ScoringTimeout
    assert seen == [0.25]


async def test_traffic_splits_by_the_request_id(house: House) -> None:
    house.ports.catalog.set_traffic("flowers", {"blue": 50, "green": 50}, "ann", published.NOW)
    first = [(await house.score(request_id=f"request-{number}")).deployment for number in range(20)]
    again = [(await house.score(request_id=f"request-{number}")).deployment for number in range(20)]
    assert first == again
    assert set(first) == {"blue", "green"}


async def test_no_rows_are_answered_with_an_empty_list(house: House) -> None:
    assert orjson.loads((await house.score(b'{"input_data": []}')).body) == []


async def test_a_large_body_is_answered_off_the_event_loop_and_equally(house: House) -> None:
    body = orjson.dumps({"input_data": [[row % 3] for row in range(40_000)]})
    assert len(body) > 64 * 1024
    rows = orjson.loads((await house.score(body)).body)
    assert rows == [row % 3 * 10.0 for row in range(40_000)]
    assert await house.refused(body[:-2]) is MalformedRequest


async def test_a_body_over_the_bound_is_refused_only_after_the_caller_is_known(house: House) -> None:
    assert await house.refused(b" " * 1_000_001) is PayloadTooLarge
    house.door.roles = set()
    assert await house.refused(b" " * 1_000_001) is NotAuthorized


async def test_a_packed_body_is_refused_clearly(house: House) -> None:
    assert await house.refused(content_encoding="br") is UnsupportedMediaType
