"""Which model answers for a deployment: the old one until the new one is ready; new limits count at once."""

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.endpoints.catalog import Catalog
from shared.endpoints.spec import Endpoint
from shared.errors import DeploymentNotFound, ModelNotReady
from shared.models.package import ModelRef, package_path
from shared.models.scoring import predict_online
from shared.models.signature import Inputs
from shared.online.deployments import Deployments, Serving, Status
from shared.ports import Blob, Container
from tests.support import endpoint as published
from tests.support.loading import make_loader
from tests.unit.models.graphs import FLOAT, MODEL_FILE, columns, graph, node, upload, value


class SlowBlobs(MemoryBlobs):
    """Reads of models wait while it is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()
        self.opened.set()
        self.entered = threading.Semaphore(0)

    def read(
        self,
        container: str,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        if container == Container.MODELS:
            self.entered.release()
            assert self.opened.wait(30)
        return super().read(container, name, offset=offset, length=length, if_match=if_match)


class Stage:
    """An endpoint `flowers` whose models multiply by their version."""

    def __init__(self) -> None:
        self.store = SlowBlobs()
        self.now = 0.0
        self.deployments = Deployments(make_loader(self.store), clock=lambda: self.now)

    def model(self, version: int) -> ModelRef:
        data = graph(
            [node("Mul", ["x", "k"], ["y"])],
            [value("x", FLOAT, [None, 1])],
            [value("y", FLOAT, [None, 1])],
            k=np.array([version], np.float32),
        )
        return upload(self.store, data, columns("x"), version=str(version))

    def publish(self, traffic: dict[str, int], settings: dict[str, Any] | None = None, **refs: ModelRef) -> Endpoint:
        deployments = {name: {"model": ref._asdict(), "request_settings": settings or {}} for name, ref in refs.items()}
        first = next(iter(refs.values()))
        published.publish(self.store, first, deployments=deployments, traffic=traffic)
        return Catalog(self.store, 2.0, clock=lambda: 0.0).read("flowers")

    async def answer(self, endpoint: Endpoint, name: str = "blue") -> float:
        serving = await self.deployments.serving(endpoint, name)
        deadline = asyncio.get_running_loop().time() + 30
        inputs = Inputs({"x": np.array([1.0])}, {})
        predictions = await predict_online(serving.model, "", inputs, serving.lanes, deadline)
        return float(predictions.outputs["y"][0])

    async def settled(self, endpoint: Endpoint, name: str = "blue") -> Status:
        """The status once nothing is being loaded."""
        while self.deployments.status(endpoint, name).state == "Loading":
            await asyncio.sleep(0)
        return self.deployments.status(endpoint, name)


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_the_first_request_waits_for_its_model(stage: Stage) -> None:
    endpoint = stage.publish({"blue": 100}, blue=stage.model(2))
    assert stage.deployments.status(endpoint, "blue") == Status("Idle", "", "")
    assert await stage.answer(endpoint) == 2
    assert stage.deployments.status(endpoint, "blue") == Status("Ready", "tiny/2", "")


async def test_many_first_requests_load_once(stage: Stage) -> None:
    endpoint = stage.publish({"blue": 100}, blue=stage.model(2))
    served = await asyncio.gather(*(stage.deployments.serving(endpoint, "blue") for _ in range(8)))
    assert len({id(each.lanes) for each in served}) == 1


async def test_the_old_model_answers_until_the_new_one_is_loaded(stage: Stage) -> None:
    assert await stage.answer(stage.publish({"blue": 100}, blue=stage.model(1))) == 1
    newer = stage.publish({"blue": 100}, blue=stage.model(2))
    stage.store.opened.clear()
    assert await stage.answer(newer) == 1
    await asyncio.to_thread(stage.store.entered.acquire)
    assert stage.deployments.status(newer, "blue") == Status("Loading", "tiny/1", "")
    assert await stage.answer(newer) == 1
    stage.store.opened.set()
    assert await stage.settled(newer) == Status("Ready", "tiny/2", "")
    assert await stage.answer(newer) == 2


async def test_a_model_that_cannot_be_loaded_leaves_the_old_one_serving_and_says_why(stage: Stage) -> None:
    assert await stage.answer(stage.publish({"blue": 100}, blue=stage.model(1))) == 1
    newer = stage.publish({"blue": 100}, blue=stage.model(2))
    stage.store.write(Container.MODELS, package_path("tiny", "2", MODEL_FILE), b"changed")
    assert await stage.answer(newer) == 1
    status = await stage.settled(newer)
    assert (status.state, status.model) == ("Failed", "tiny/1")
    assert "is not the one that was published" in status.error
    assert await stage.answer(newer) == 1


async def test_a_failed_load_is_tried_again_after_a_while(stage: Stage) -> None:
    endpoint = stage.publish({"blue": 100}, blue=stage.model(2))
    path = package_path("tiny", "2", MODEL_FILE)
    good = stage.store.read(Container.MODELS, path)
    assert good is not None
    stage.store.write(Container.MODELS, path, b"changed")
    for _ in range(2):
        with pytest.raises(ModelNotReady, match="is not the one that was published"):
            await stage.answer(endpoint)
    stage.store.write(Container.MODELS, path, good.data)
    with pytest.raises(ModelNotReady):
        await stage.answer(endpoint)
    stage.now = 31.0
    assert await stage.answer(endpoint) == 2


async def test_new_limits_count_at_once_and_without_loading(stage: Stage) -> None:
    ref = stage.model(1)
    first: Serving = await stage.deployments.serving(stage.publish({"blue": 100}, blue=ref), "blue")
    settings = {"max_queue": 3, "request_timeout_ms": 250, "max_queue_wait_ms": 100}
    newer = stage.publish({"blue": 100}, settings, blue=ref)
    stage.store.opened.clear()
    second = await stage.deployments.serving(newer, "blue")
    assert second.lanes is first.lanes
    assert (second.lanes.limits.max_queue, second.lanes.limits.max_queue_wait_s, second.timeout_s) == (3, 0.1, 0.25)


async def test_a_deployment_that_is_still_loading_is_spared_while_another_has_its_model(stage: Stage) -> None:
    blue, green = stage.model(1), stage.model(2)
    endpoint = stage.publish({"blue": 50, "green": 50}, blue=blue, green=green)
    assert await stage.answer(endpoint, "blue") == 1
    stage.store.opened.clear()
    ids = [f"request-{number}" for number in range(40)]
    assert {stage.deployments.choose(endpoint, each, None) for each in ids} == {"blue"}
    assert stage.deployments.choose(endpoint, ids[0], "green") == "green"
    stage.store.opened.set()
    assert (await stage.settled(endpoint, "green")).state == "Ready"
    assert {stage.deployments.choose(endpoint, each, None) for each in ids} == {"blue", "green"}


async def test_a_deployment_that_was_removed_is_forgotten(stage: Stage) -> None:
    blue, green = stage.model(1), stage.model(2)
    both = stage.publish({"blue": 100}, blue=blue, green=green)
    await stage.answer(both, "green")
    only = stage.publish({"blue": 100}, blue=blue)
    with pytest.raises(DeploymentNotFound):
        await stage.deployments.serving(only, "green")
    await stage.answer(only, "blue")
    assert stage.deployments.status(only, "green") == Status("Idle", "", "")


async def test_a_model_that_left_the_memory_is_loaded_again_when_asked_for(stage: Stage) -> None:
    refs = [stage.model(1), stage.model(2)]
    size = make_loader(stage.store)
    loaded = (await Deployments(size).serving(stage.publish({"blue": 100}, blue=refs[0]), "blue")).model.find("")
    assert loaded is not None
    stage.deployments = Deployments(make_loader(stage.store, loaded.size_bytes), clock=lambda: stage.now)
    endpoint = stage.publish({"blue": 100}, blue=refs[0], green=refs[1])
    for _ in range(2):
        assert await stage.answer(endpoint, "blue") == 1
        assert await stage.answer(endpoint, "green") == 2
