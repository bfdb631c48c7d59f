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
    assert list(await asyncio.gather(first, second)) == [3, 3]
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


async def test_the_queue_of_a_deployment_that_was_removed_is_closed_at_the_next_request_for_another(
    stage: Stage,
) -> None:
    blue, green = stage.model(1), stage.model(2)
    both = stage.publish({"blue": 100}, blue=blue, green=green)
    await stage.answer(both, "blue")
    await stage.answer(both, "green")
    only = stage.publish({"blue": 100}, blue=blue)
    assert await stage.answer(only, "blue") == 1
    assert stage.deployments.status(only, "green") == Status("Idle", "", "")


async def test_a_revision_that_leaves_a_deployment_as_it_is_costs_its_requests_nothing(stage: Stage) -> None:
    """What is wanted is compared once, and not at every request."""
    ref = stage.model(1)
    await stage.answer(stage.publish({"blue": 100}, blue=ref))
    again = stage.publish({"blue": 100}, blue=ref)
    first = await stage.deployments.serving(again, "blue")
    assert await stage.deployments.serving(again, "blue") is first
