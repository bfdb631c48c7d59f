"""What a new revision does to a deployment that is being loaded, is in use, or is gone."""

import asyncio

import pytest

from shared.errors import ModelNotReady
from shared.models.package import ModelRef, package_path
from shared.online.deployments import Status
from shared.ports import Container
from tests.unit.models.graphs import MODEL_FILE
from tests.unit.online.test_deployments import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def damage(stage: Stage, ref: ModelRef) -> None:
    stage.store.write(Container.MODELS, package_path(ref.name, ref.version, MODEL_FILE), b"changed")


async def entered(stage: Stage) -> None:
    """A read of a model waits."""
    await asyncio.to_thread(stage.store.entered.acquire)


def shut(stage: Stage) -> None:
    while stage.store.entered.acquire(blocking=False):
        pass
    stage.store.opened.clear()


async def test_a_repaired_revision_is_not_blamed_for_the_broken_one(stage: Stage) -> None:
    refs = [stage.model(2), stage.model(3)]
    broken, repaired = (stage.publish({"blue": 100}, blue=ref) for ref in refs)
    damage(stage, refs[0])
    shut(stage)
    first = asyncio.create_task(stage.answer(broken))
    await entered(stage)
    second = asyncio.create_task(stage.answer(repaired))
    await entered(stage)
    stage.store.opened.set()
    assert await asyncio.gather(first, second) == [3, 3]
    assert await stage.settled(repaired) == Status("Ready", "tiny/3", "")


async def test_going_back_to_the_model_that_serves_drops_the_one_that_was_coming(stage: Stage) -> None:
    ref, newer_ref = stage.model(1), stage.model(2)
    first = stage.publish({"blue": 100}, blue=ref)
    newer = stage.publish({"blue": 100}, blue=newer_ref)
    back = stage.publish({"blue": 100}, {"max_queue": 3}, blue=ref)
    assert await stage.answer(first) == 1
    shut(stage)
    assert await stage.answer(newer) == 1
    await entered(stage)
    assert await stage.answer(back) == 1
    stage.store.opened.set()
    await asyncio.gather(*stage.deployments._loads)
    assert stage.deployments.status(back, "blue") == Status("Ready", "tiny/1", "")


async def test_new_limits_during_a_load_neither_repeat_nor_escape_it(stage: Stage) -> None:
    ref = stage.model(2)
    damage(stage, ref)
    first, newer = (stage.publish({"blue": 100}, {"max_queue": number}, blue=ref) for number in (3, 4))
    shut(stage)
    asked = [asyncio.create_task(stage.answer(endpoint)) for endpoint in (first, newer)]
    await entered(stage)
    stage.store.opened.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ModelNotReady, ModelNotReady]
    assert stage.deployments.status(newer, "blue").state == "Failed"
