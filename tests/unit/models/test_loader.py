"""Loading: to the byte what was published, once however many ask, and again after a failure."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import ModelNotFound, ModelNotReady, StorageUnavailable
from shared.models.loader import Loader, ModelId
from shared.models.package import ModelRef, digest_of, package_path
from shared.ports import Blob, Container
from tests.support import endpoint, iris
from tests.support.loading import load, make_loader
from tests.unit.models.graphs import (
    FLOAT,
    INT64,
    MODEL_FILE,
    STRING,
    columns,
    graph,
    identity,
    lookup,
    node,
    upload,
    value,
)

THREADS = 16


class WatchedBlobs(MemoryBlobs):
    """Counts what is read, and does something before each read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.before: Callable[[str], None] = lambda name: None

    def read(
        self,
        container: str,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        self.reads.append(name)
        self.before(name)
        return super().read(container, name, offset=offset, length=length, if_match=if_match)


@pytest.fixture
def watched() -> WatchedBlobs:
    return WatchedBlobs()


def not_ready(loader: Loader, ref: ModelRef) -> str:
    with pytest.raises(ModelNotReady) as caught:
        load(loader, ref)
    return caught.value.message


def test_a_published_model_predicts(store: MemoryBlobs, iris_ref: ModelRef) -> None:
    model = load(make_loader(store), iris_ref)
    features = {name: np.array([row[at] for row in iris.rows(3)]) for at, name in enumerate(iris.COLUMNS)}
    assert model.flavor.predict(features, {}, None)["label"].tolist() == [0, 0, 0]
    assert model.ref == iris_ref
    assert model.cost_s(1) > 0


def test_a_loaded_model_is_kept(watched: WatchedBlobs) -> None:
    ref = upload(watched, identity(FLOAT, [None, 1]), columns("x"))
    loader = make_loader(watched)
    first = load(loader, ref)
    reads = list(watched.reads)
    assert load(loader, ref) is first
    assert watched.reads == reads == [package_path("tiny", "1"), package_path("tiny", "1", MODEL_FILE)]


async def test_online_callers_get_the_kept_model_without_a_thread(watched: WatchedBlobs) -> None:
    ref = upload(watched, identity(FLOAT, [None, 1]), columns("x"))
    loader = make_loader(watched)
    first = await loader.get_online(ModelId(ref))
    with pytest.raises(StopIteration) as ended:
        loader.get_online(ModelId(ref)).send(None)
    assert ended.value.value is first


def test_many_threads_load_a_model_once(watched: WatchedBlobs) -> None:
    ref = upload(watched, identity(FLOAT, [None, 1]), columns("x"))
    loader = make_loader(watched)
    start = threading.Barrier(THREADS)

    def load_together() -> object:
        start.wait()
        return load(loader, ref)

    with ThreadPoolExecutor(THREADS) as pool:
        loaded = {id(done.result()) for done in [pool.submit(load_together) for _ in range(THREADS)]}
    assert len(loaded) == 1
    assert len(watched.reads) == 2


def test_a_slow_load_does_not_hold_up_another_model(watched: WatchedBlobs) -> None:
    slow = upload(watched, identity(FLOAT, [None, 1]), columns("x"), name="slow")
    quick = upload(watched, identity(FLOAT, [None, 1]), columns("x"), name="quick")
    loader = make_loader(watched)
    entered, go_on = threading.Event(), threading.Event()

    def wait_for_the_quick_one(name: str) -> None:
        if name.startswith("slow/"):
            entered.set()
            assert go_on.wait(10)

    watched.before = wait_for_the_quick_one
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load, loader, slow)
        assert entered.wait(10)
        assert load(loader, quick).ref == quick
        assert not loading.done()
        go_on.set()
        assert loading.result(10).ref == slow


def test_a_package_that_is_not_there_is_not_found(store: MemoryBlobs) -> None:
    with pytest.raises(ModelNotFound, match="model tiny/1 is not in storage"):
        load(make_loader(store), ModelRef("tiny", "1", "sha256:" + "0" * 64))


def test_another_package_than_the_pinned_one_is_not_loaded(store: MemoryBlobs) -> None:
    ref = upload(store, identity(FLOAT, [None, 1]), columns("x"))
    upload(store, identity(FLOAT, [None, 1]), columns("x", "y"))
    assert "is not the one that the endpoint pins" in not_ready(make_loader(store), ref)


def test_a_changed_model_file_is_not_loaded(store: MemoryBlobs) -> None:
    ref = upload(store, identity(FLOAT, [None, 1]), columns("x"))
    store.write(Container.MODELS, package_path("tiny", "1", MODEL_FILE), identity(FLOAT, [None, 2]))
    assert not_ready(make_loader(store), ref) == (
        "the file model.onnx of model tiny/1 is not the one that was published: publish it again"
    )


def test_a_missing_model_file_makes_the_model_not_ready(store: MemoryBlobs) -> None:
    ref = upload(store, identity(FLOAT, [None, 1]), columns("x"))
    store.delete(Container.MODELS, package_path("tiny", "1", MODEL_FILE))
    assert "the file model.onnx of model tiny/1" in not_ready(make_loader(store), ref)


@pytest.mark.parametrize("change", [b"{", b"{}", b'"model_file": "other.onnx"', b'"schema_version": 2'])
def test_a_package_that_cannot_be_read_makes_the_model_not_ready(store: MemoryBlobs, change: bytes) -> None:
    """Its digest is right: it was published like that."""
    upload(store, identity(FLOAT, [None, 1]), columns("x"))
    blob = store.read(Container.MODELS, package_path("tiny", "1"))
    assert blob is not None
    member = change.partition(b":")[0]
    data = b"\n".join(change + b"," if member in line and b":" in change else line for line in blob.data.split(b"\n"))
    data = data if b":" in change else change
    store.write(Container.MODELS, package_path("tiny", "1"), data)
    message = not_ready(make_loader(store), ModelRef("tiny", "1", digest_of(data)))
    assert message == "the package of model tiny/1 cannot be read: publish it again"


def test_a_broken_graph_makes_the_model_not_ready(store: MemoryBlobs) -> None:
    ref = upload(store, b"no graph", columns("x"))
    assert not_ready(make_loader(store), ref).startswith("the ONNX graph cannot be loaded: ")


def test_a_model_that_refuses_the_warm_up_is_loaded_and_taken_for_a_slow_one(
    store: MemoryBlobs, caplog: pytest.LogCaptureFixture
) -> None:
    """An encoder may well refuse an empty text; that says nothing of real rows."""
    ref = upload(store, lookup(0), columns("index", type="long"))
    assert load(make_loader(store), ref).cost_s(1) >= 1
    assert "was not warmed up" in caplog.text
    assert "out of data bounds" in caplog.text


def test_text_inputs_are_warmed_up_with_texts(store: MemoryBlobs) -> None:
    upper = graph([node("Identity", ["x"], ["y"])], [value("x", STRING, [None])], [value("y", STRING, [None])])
    assert load(make_loader(store), upload(store, upper, columns("x", type="string")))


def test_a_model_saved_as_mlflow_does_by_default_is_loaded_with_its_weights(store: MemoryBlobs, tmp_path: Path) -> None:
    """The weights lie beside the graph, in a file of their own, checked against its digest as every other."""
    folder = tmp_path / "large"
    iris.save_large(folder)
    ref = endpoint.upload(store, folder)
    assert load(make_loader(store), ref).cost_s(1) < 1
    weights = next(item.name for item in store.list(Container.MODELS) if item.name.endswith(".data"))
    store.write(Container.MODELS, weights, b"other weights")
    assert "is not the one that was published" in not_ready(make_loader(store), ref)


def test_a_failed_load_is_tried_again(store: MemoryBlobs) -> None:
    good = identity(FLOAT, [None, 1])
    ref = upload(store, good, columns("x"))
    loader = make_loader(store)
    store.delete(Container.MODELS, package_path("tiny", "1", MODEL_FILE))
    not_ready(loader, ref)
    store.write(Container.MODELS, package_path("tiny", "1", MODEL_FILE), good)
    assert load(loader, ref).ref == ref


def test_storage_that_does_not_answer_is_told_as_such_and_asked_again(watched: WatchedBlobs) -> None:
    ref = upload(watched, lookup(2), columns("index", type="long"))
    loader = make_loader(watched)

    def refuse(name: str) -> None:
        raise StorageUnavailable("storage does not answer")

    watched.before = refuse
    with pytest.raises(StorageUnavailable):
        load(loader, ref)
    watched.before = lambda name: None
    assert load(loader, ref).flavor.predict({"index": np.array([1])}, {}, None)["y"].tolist() == [10.0]


def test_two_versions_live_side_by_side(store: MemoryBlobs) -> None:
    first = upload(store, identity(FLOAT, [None, 1]), columns("x"), version="1")
    second = upload(store, identity(INT64, [None, 1]), columns("x", type="long"), version="2")
    loader = make_loader(store)
    assert [load(loader, first).ref, load(loader, second).ref] == [first, second]
    assert load(loader, first) is not load(loader, second)


def test_the_cost_of_a_row_follows_what_is_measured(store: MemoryBlobs) -> None:
    model = load(make_loader(store), upload(store, identity(FLOAT, [None, 1]), columns("x")))
    model.call_s, model.row_s = 0.5, 0.05
    model._measured(10, 2.0)
    once = model.cost_s(10)
    for _ in range(100):
        model._measured(10, 2.0)
    assert once == pytest.approx(1.2)
    assert model.cost_s(10) == pytest.approx(2.0)
