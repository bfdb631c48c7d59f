"""Of many models in one package those are loaded that rows ask for, in the memory and the time that there is."""

import asyncio

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import ScoringTimeout
from shared.models.batching import Lanes, Limits
from shared.models.flavor import Abort
from shared.models.loaded import LoadedModel
from shared.models.loader import Loaded, Loader, ModelId
from shared.models.scoring import predict, predict_online
from shared.models.served import ServedModel
from shared.models.signature import Array, Features, Inputs, Params
from tests.support.loading import make_loader
from tests.unit.models.many import answer, publish, rows, serve


async def test_only_the_models_that_rows_ask_for_are_loaded(store: MemoryBlobs) -> None:
    served = serve(store, {"UA": 3, "B6": 5, "DL": 9})
    await answer(served, rows(("UA", "EWR", 1), ("B6", "EWR", 1)))
    assert [served.find(key) is not None for key in ("UA", "B6", "DL")] == [True, True, False]


def test_a_batch_is_stopped_between_two_members(store: MemoryBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    served, abort, asked = serve(store, {"UA": 3, "B6": 5, "DL": 9}), Abort(), list[str]()
    loaded = served.loaded

    def fire_at_second(key: str) -> Loaded:
        asked.append(key)
        model = loaded(key)
        if len(asked) == 2:
            monkeypatch.setattr(model, "predict", fired)
        return model

    def fired(features: Features, params: Params, abort: Abort) -> dict[str, Array]:
        abort.fire()
        return {"y": np.zeros(len(features["x"]))}

    monkeypatch.setattr(served, "loaded", fire_at_second)
    with pytest.raises(ScoringTimeout, match="nobody waits for this any more"):
        predict(served, rows(("UA", "", 1), ("B6", "", 1), ("DL", "", 1)), abort=abort)
    assert asked == ["UA", "B6"]


async def test_thousands_of_models_live_in_the_memory_that_there_is(store: MemoryBlobs) -> None:
    factors = {f"C{number}": float(number) for number in range(40)}
    ref = publish(store, factors, columns=("carrier",), unfed=("carrier", "origin"))
    one: Loader = make_loader(store)
    size = one.get(ModelId(ref, member="C0")).size_bytes
    loader = make_loader(store, memory_bytes=size * 4)
    served = ServedModel(ModelId(ref), loader.package(ref), loader)
    for number in (*range(40), *range(39, -1, -1)):
        assert await answer(served, rows((f"C{number}", "", 1))) == [number]
    assert loader.held_bytes() <= size * 4
    assert [key for key in factors if served.find(key) is not None] == ["C0", "C1", "C2", "C3"]


async def test_rows_of_more_segments_than_fit_into_memory_or_queue_are_answered(store: MemoryBlobs) -> None:
    factors = {f"C{number}": float(number) for number in range(30)}
    ref = publish(store, factors, columns=("carrier",), unfed=("carrier", "origin"))
    loaded = make_loader(store).get(ModelId(ref, member="C0"))
    loader = make_loader(store, memory_bytes=loaded.size_bytes * 4)
    served = ServedModel(ModelId(ref), loader.package(ref), loader)
    inputs = rows(*((f"C{number}", "", 1.0) for number in range(30)))
    deadline = asyncio.get_running_loop().time() + 30
    lanes = Lanes(Limits(max_concurrent=1, max_queue=1))
    predictions = await predict_online(served, None, inputs, lanes, deadline)
    assert predictions.outputs["y"].tolist() == [float(number) for number in range(30)]


@pytest.mark.parametrize("key", [None, "UA"])
async def test_loading_a_model_does_not_count_as_its_time_to_answer(
    store: MemoryBlobs, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    served, loop = serve(store, {"UA": 3}), asyncio.get_running_loop()
    model, clock, late_s = served.loaded("UA"), loop.time, 0.0
    assert isinstance(model, LoadedModel)
    model.call_s = 10.0  # slow enough to be called in a thread, and so to be timed

    async def after_an_hour(member: str) -> LoadedModel:
        nonlocal late_s
        late_s += 3600
        return model

    monkeypatch.setattr(loop, "time", lambda: clock() + late_s)
    monkeypatch.setattr(served, "find", lambda member: None)
    monkeypatch.setattr(served, "loaded_online", after_an_hour)
    one = rows(("UA", "EWR", 1)) if key is None else Inputs({"x": np.ones(1)}, {})
    answered = await predict_online(served, key, one, Lanes(Limits()), loop.time() + 30)
    assert answered.outputs["y"].tolist() == [3]
