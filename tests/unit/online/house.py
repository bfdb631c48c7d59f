"""An endpoint on storage in memory, and callers at its door: what the tests of the handler stand on."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.auth.access import Principal, Role
from shared.auth.authenticate import Authenticator
from shared.endpoints.catalog import Catalog
from shared.endpoints.changes import Changes
from shared.errors import NotAuthenticated, SlipwayError, StorageUnavailable
from shared.models.features import Converter
from shared.models.package import ModelRef
from shared.models.scoring import Predictions
from shared.models.signature import Inputs
from shared.monitoring.capture import Capture
from shared.monitoring.metrics import Metrics
from shared.online.admission import BytesInHand, Quotas
from shared.online.deployments import Deployments
from shared.online.exchange import Answered, Message, Rendered
from shared.online.handler import OnlinePorts, ScoreReply, ScoreRequest, Trail, score
from shared.online.protocols import azureml
from shared.ports import Blob
from tests.support import endpoint as published
from tests.support.loading import make_loader
from tests.unit.models.graphs import columns, lookup, upload

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
        container: str,
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
    TAKES_SCRIPTS = True

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
        self.trail = Trail()
        self.now = 0.0
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
            authenticator=cast(Authenticator, self.door),
            catalog=Catalog(self.store, 2.0, clock=lambda: self.now),
            deployments=Deployments(make_loader(self.store), clock=lambda: self.now),
            in_hand=BytesInHand(16_000_000),
            quotas=Quotas(clock=lambda: self.now),
            readers=ThreadPoolExecutor(1),
            max_body_bytes=1_000_000,
            capture=Capture(self.store, lambda: datetime.now(UTC), Metrics()),
        )
        self.changes = Changes(self.store, self.ports.catalog)
        self.steps.clear()

    async def score(
        self, body: bytes = GOOD, headers: Mapping[str, str | None] | None = None, **changes: Any
    ) -> ScoreReply:
        """`headers`: beside those of a good request; None takes one away."""
        given = {"authorization": ANN, "content-type": "application/json", **(headers or {})}
        kept = {name: value for name, value in given.items() if value is not None}
        request = ScoreRequest("flowers", "request-1", None, kept, body)
        return await score(request._replace(**changes), Noted(self.steps), self.ports, self.trail)

    async def answer(self, body: bytes = GOOD, **changes: Any) -> bytes:
        return (await self.score(body, **changes)).rendered.body

    async def refused(self, body: bytes = GOOD, **changes: Any) -> type[SlipwayError]:
        with pytest.raises(SlipwayError) as caught:
            await self.score(body, **changes)
        return caught.type
