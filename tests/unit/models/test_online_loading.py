"""Requests that need a model which is not in memory: one load for all, in one thread, and no storm of them."""

import asyncio
import threading
from pathlib import Path

import pytest

from shared.errors import ModelNotReady, StorageUnavailable
from shared.models.flavors.build import Flavors
from shared.models.flavors.onnx import OnnxOptions
from shared.models.loader import Loader, ModelId
from shared.models.package import package_path
from shared.ports import Container
from tests.support.loading import MEMORY_BYTES
from tests.unit.models.graphs import FLOAT, MODEL_FILE, columns, identity, upload
from tests.unit.models.test_loader import WatchedBlobs

ASKING = 50


class Online:
    """A loader, the clock it looks at, and what it reads."""

    def __init__(self) -> None:
        self.store = WatchedBlobs()
        self.now = 0.0
        flavors = Flavors(OnnxOptions(threads=1), Path("environments"))
        self.loader = Loader(self.store, flavors, MEMORY_BYTES, clock=lambda: self.now)

    def model(self, name: str) -> ModelId:
        return ModelId(upload(self.store, identity(FLOAT, [None, 1]), columns("x"), name=name))

    def downloads(self, name: str) -> int:
        return self.store.reads.count(package_path(name, "1", MODEL_FILE))


@pytest.fixture
def online() -> Online:
    return Online()


def damage(online: Online, name: str) -> None:
    online.store.write(Container.MODELS, package_path(name, "1", MODEL_FILE), b"changed")


async def test_a_broken_model_is_downloaded_once_in_a_while_however_many_ask(online: Online) -> None:
    broken = online.model("broken")
    damage(online, "broken")
    for _ in range(2):
        asked = [online.loader.get_online(broken) for _ in range(ASKING)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} == {ModelNotReady}
        assert {"is not the one that was published" in str(answer) for answer in answers} == {True}
    assert online.downloads("broken") == 1
    online.store.write(Container.MODELS, package_path("broken", "1", MODEL_FILE), identity(FLOAT, [None, 1]))
    online.now = 30.0
    assert (await online.loader.get_online(broken)).ref == broken.ref


async def test_a_batch_job_tries_a_model_again_that_just_failed_online(online: Online) -> None:
    broken = online.model("broken")
    damage(online, "broken")
    with pytest.raises(ModelNotReady):
        await online.loader.get_online(broken)
    online.store.write(Container.MODELS, package_path("broken", "1", MODEL_FILE), identity(FLOAT, [None, 1]))
    assert online.loader.get(broken).ref == broken.ref
    assert (await online.loader.get_online(broken)).ref == broken.ref


async def test_storage_that_did_not_answer_is_not_held_against_the_model(online: Online) -> None:
    model = online.model("good")

    def refuse(name: str) -> None:
        raise StorageUnavailable("storage does not answer")

    online.store.before = refuse
    with pytest.raises(StorageUnavailable):
        await online.loader.get_online(model)
    online.store.before = lambda name: None
    assert (await online.loader.get_online(model)).ref == model.ref


async def test_many_who_wait_for_one_model_hold_up_no_other_and_wait_no_longer_than_they_want(online: Online) -> None:
    slow, quick = online.model("slow"), online.model("quick")
    go_on = threading.Event()
    online.store.before = lambda name: None if name.startswith("quick/") else wait_for(go_on)
    waiting = [asyncio.create_task(online.loader.get_online(slow)) for _ in range(ASKING)]
    await asyncio.sleep(0)
    assert (await online.loader.get_online(quick)).ref == quick.ref
    with pytest.raises(ModelNotReady, match="model slow/1 is still being loaded"):
        await online.loader.get_online(slow, asyncio.get_running_loop().time())
    go_on.set()
    assert {(await each).ref for each in waiting} == {slow.ref}
    assert online.downloads("slow") == 1


def wait_for(event: threading.Event) -> None:
    assert event.wait(30)


async def test_a_load_that_fails_in_a_way_nobody_foresaw_tells_callers_nothing_and_the_log_all(
    online: Online, caplog: pytest.LogCaptureFixture
) -> None:
    model = online.model("odd")

    def fail(name: str) -> None:
        raise RuntimeError("the password is hunter2")

    online.store.before = fail
    for _ in range(2):
        with pytest.raises(ModelNotReady) as caught:
            await online.loader.get_online(model)
        assert caught.value.message == "the model cannot be loaded: the log says why"
    assert online.store.reads == [package_path("odd", "1")]
    assert caplog.text.count("was not loaded") == 1
    assert "RuntimeError: the password is hunter2" in caplog.text
    online.store.before = lambda name: None
    online.now = 30.0
    assert (await online.loader.get_online(model)).ref == model.ref


def test_descriptions_of_packages_that_were_not_asked_for_long_are_read_again(online: Online) -> None:
    refs = [online.model(f"m{number}").ref for number in range(65)]
    for ref in (*refs, refs[-1], refs[0]):
        assert online.loader.package(ref).name == ref.name
    assert [online.store.reads.count(package_path(name, "1")) for name in ("m0", "m1", "m64")] == [2, 1, 1]
