"""A model that leaves the memory while a request waits for it; and members that do not fit together."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import ModelNotReady, ScoringFailed
from shared.models import segments
from shared.models.batching import Lanes, Limits
from shared.models.flavor import Abort, FilesAnswer, RawCall, RawReply
from shared.models.loaded import LoadedModel, LoadedScript
from shared.models.loader import ModelId
from shared.models.scoring import predict, predict_online
from shared.models.served import ServedModel
from shared.models.signature import Array, Features, Inputs, Params
from tests.support.loading import FunctionModel, load, loaded_as, make_loader, served_as
from tests.unit.models.graphs import FLOAT, columns, identity, upload

ROWS = Inputs({"x": np.array([1.0, 2.0])}, {})


class Script:
    size_bytes = lanes = 1

    def run(self, call: RawCall, abort: Abort | None) -> RawReply:
        raise AssertionError("called")

    def run_files(self, paths: Sequence[Path], abort: Abort | None) -> FilesAnswer:
        raise AssertionError("called")

    def close(self) -> None: ...


@contextmanager
def lanes() -> Iterator[Lanes]:
    made = Lanes(Limits(max_concurrent=1))
    try:
        yield made
    finally:
        made.close()


async def online(served: ServedModel) -> list[float]:
    with lanes() as queue:
        answer = await predict_online(served, "", ROWS, queue, asyncio.get_running_loop().time() + 30)
    return list(answer.outputs["y"].tolist())


async def test_a_model_that_made_room_while_a_request_waited_is_loaded_again(
    store: MemoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = upload(store, identity(FLOAT, [None, 1]), columns("x"))
    loader = make_loader(store)
    gone = load(loader, ref)
    gone.call_s = 10.0  # slow enough to wait for a thread
    gone.close()
    loader._loaded.clear()
    served = ServedModel(ModelId(ref), loader.package(ref), loader)
    found = iter([gone])
    monkeypatch.setattr(served, "find", lambda key: next(found, None))
    assert await online(served) == [1.0, 2.0]
    again = load(loader, ref)
    assert (again is gone, again.is_gone) == (False, False)


def test_a_model_that_made_room_between_two_steps_of_a_batch_job_is_loaded_again(
    store: MemoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = upload(store, identity(FLOAT, [None, 1]), columns("x"))
    loader = make_loader(store)
    gone = load(loader, ref)
    gone.close()
    loader._loaded.clear()
    served = ServedModel(ModelId(ref), loader.package(ref), loader)
    loaded, given = served.loaded, iter([gone])
    monkeypatch.setattr(served, "loaded", lambda key: next(given, None) or loaded(key))
    assert predict(served, ROWS).outputs["y"].tolist() == [1.0, 2.0]


def test_a_model_that_is_there_and_not_ready_is_not_asked_again_by_a_batch_job() -> None:
    calls = []

    def starting(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        calls.append(len(features["x"]))
        raise ModelNotReady("the model's process is being started again")

    with pytest.raises(ModelNotReady, match="is being started again"):
        predict(served_as(loaded_as(FunctionModel(starting), columns("x"))), ROWS)
    assert calls == [2]


async def test_a_model_that_is_there_and_not_ready_is_not_loaded_again() -> None:
    calls = []

    def starting(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        calls.append(len(features["x"]))
        raise ModelNotReady("the model's process is being started again")

    with pytest.raises(ModelNotReady, match="is being started again"):
        await online(served_as(loaded_as(FunctionModel(starting), columns("x"), 10.0)))
    assert calls == [2]


def test_a_script_takes_no_rows() -> None:
    served = served_as(loaded_as(FunctionModel(lambda features, params, abort: features), columns("x")))
    served._loader._keep(served.id, LoadedScript(served.id.ref, Script(), on_close=lambda: None))
    with pytest.raises(ModelNotReady, match=r"serves a score\.py, which takes whole requests and no rows"):
        predict(served, ROWS)


def part(*rows: int, **outputs: Array) -> tuple[Array, dict[str, Array]]:
    return np.array(rows, np.intp), outputs


def test_answers_come_together_in_the_order_of_their_rows() -> None:
    outputs = segments.reassemble(3, [part(2, 0, y=np.array([3.0, 1.0])), part(1, y=np.array([2.0]))])
    assert {name: array.tolist() for name, array in outputs.items()} == {"y": [1.0, 2.0, 3.0]}
    assert segments.reassemble(0, []) == {}


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([part(0, y=np.ones(1)), part(1, z=np.ones(1))], "give different outputs: ask for rows of one segment"),
        ([part(0, y=np.ones(1)), part(1, y=np.ones((1, 2)))], "give outputs of different shapes"),
        ([part(0, y=np.ones(1))], "some rows were not answered"),
        ([], "some rows were not answered"),
    ],
)
def test_answers_that_do_not_fit_together_are_the_models_failure(
    parts: list[tuple[Array, dict[str, Array]]], reason: str
) -> None:
    with pytest.raises(ScoringFailed, match=reason):
        segments.reassemble(2, parts)


def test_a_model_larger_than_all_memory_is_closed_and_told_so(store: MemoryBlobs) -> None:
    ref = upload(store, identity(FLOAT, [None, 1]), columns("x"))
    loader = make_loader(store, memory_bytes=1000)
    with pytest.raises(ModelNotReady, match=r"takes \d+ bytes of memory, and models may have 1000 here: take a larger"):
        loader.get(ModelId(ref))
    assert loader.held_bytes() == 0
    flavor = FunctionModel(lambda features, params, abort: features)
    flavor.size_bytes = 1001
    with pytest.raises(ModelNotReady):
        loader._keep(ModelId(ref), LoadedModel(ref, columns("x"), flavor))
    assert flavor.closed
