"""Many models in one package: each row goes to its own, and the answers come back in order."""

import asyncio
import hashlib
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from shared.adapters.memory import MemoryBlobs
from shared.errors import MalformedRequest, ModelNotFound, ScoringTimeout
from shared.models import segments
from shared.models.batching import Lanes, Limits
from shared.models.coercion import ColumnType
from shared.models.flavor import Abort
from shared.models.loaded import LoadedModel
from shared.models.loader import Loaded, Loader, ModelId
from shared.models.package import ModelPackage, ModelRef, PackagedFile, PackagedModel, Segments, digest_of, package_path
from shared.models.scoring import predict, predict_online, unknown_rows
from shared.models.served import ServedModel
from shared.models.signature import Array, Column, Features, Inputs, Params, Signature
from shared.ports import Container
from tests.support.loading import make_loader
from tests.unit.models.graphs import FLOAT, graph, node, value

SIGNATURE = Signature(
    columns=(
        Column(name="carrier", type="string"),
        Column(name="origin", type="string"),
        Column(name="x", type="double"),
    )
)


def times(factor: float) -> bytes:
    return graph(
        [node("Mul", ["x", "k"], ["y"])],
        [value("x", FLOAT, [None, 1])],
        [value("y", FLOAT, [None, 1])],
        k=np.array([factor], np.float32),
    )


def publish(
    store: MemoryBlobs, factors: dict[str, float], signature: Signature = SIGNATURE, **changes: Any
) -> ModelRef:
    """A package of models that multiply, by key."""
    files, models = [], {}
    for key, factor in factors.items():
        data, path = times(factor), f"models/{key}/model.onnx"
        store.write(Container.MODELS, package_path("many", "1", path), data)
        files.append(PackagedFile(path=path, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
        models[key] = PackagedModel(flavor="onnx", folder=f"models/{key}", model_file=path)
    how = {"columns": ("carrier", "origin"), "unfed": ("carrier", "origin"), **changes}
    package = ModelPackage(
        name="many", version="1", signature=signature, segments=Segments(**how), models=models, files=tuple(files)
    )
    data = package.to_bytes()
    store.write(Container.MODELS, package_path("many", "1"), data)
    return ModelRef("many", "1", digest_of(data))


def serve(store: MemoryBlobs, factors: dict[str, float], **changes: Any) -> ServedModel:
    ref = publish(store, factors, **changes)
    loader = make_loader(store)
    return ServedModel(ModelId(ref), loader.package(ref), loader)


def rows(*given: tuple[str, str, float]) -> Inputs:
    carrier, origin, x = zip(*given, strict=True) if given else ((), (), ())
    texts = {"carrier": np.array(carrier, object), "origin": np.array(origin, object)}
    return Inputs({**texts, "x": np.array(x, float)}, {})


async def answer(served: ServedModel, inputs: Inputs, key: str | None = None) -> list[float]:
    """The same from both ways of scoring."""
    deadline = asyncio.get_running_loop().time() + 30
    online = (await predict_online(served, key, inputs, Lanes(Limits()), deadline)).outputs["y"].tolist()
    assert online == predict(served, inputs, key=key).outputs["y"].tolist()
    return list(online)


async def test_mixed_rows_are_answered_by_their_own_models_in_their_own_order(store: MemoryBlobs) -> None:
    served = serve(store, {"UA/EWR": 2, "UA": 3, "B6": 5})
    mixed = rows(("B6", "JFK", 1), ("UA", "EWR", 1), ("UA", "LGA", 1), ("B6", "EWR", 2), ("UA", "EWR", 3))
    assert await answer(served, mixed) == [5, 2, 3, 10, 6]


async def test_a_segment_without_a_model_goes_to_its_parent_and_then_to_the_fallback(store: MemoryBlobs) -> None:
    served = serve(store, {"UA/EWR": 2, "UA": 3, "default": 7}, fallback=("default",))
    assert await answer(served, rows(("UA", "JFK", 1))) == [3]
    assert await answer(served, rows(("ZZ", "JFK", 1))) == [7]


async def test_an_unknown_segment_without_fallback_is_not_found_and_names_its_row(store: MemoryBlobs) -> None:
    served = serve(store, {"UA": 3})
    for inputs, row in ((rows(("ZZ", "JFK", 1)), 0), (rows(("UA", "JFK", 1), ("ZZ", "JFK", 1)), 1)):
        with pytest.raises(ModelNotFound, match=f"row {row}: there is no model for the segment 'ZZ/JFK'"):
            await answer(served, inputs)
        with pytest.raises(ModelNotFound):
            predict(served, inputs)
        assert unknown_rows(served, inputs.features) == {
            row: "there is no model for the segment 'ZZ/JFK', and none that stands in"
        }


async def test_only_the_models_that_rows_ask_for_are_loaded(store: MemoryBlobs) -> None:
    served = serve(store, {"UA": 3, "B6": 5, "DL": 9})
    await answer(served, rows(("UA", "EWR", 1), ("B6", "EWR", 1)))
    assert [served.find(key) is not None for key in ("UA", "B6", "DL")] == [True, True, False]


async def test_a_slash_in_a_value_does_not_reach_into_another_segment(store: MemoryBlobs) -> None:
    served = serve(store, {"UA/EWR": 2, "default": 7}, fallback=("default",))
    assert await answer(served, rows(("UA/EWR", "", 1))) == [7]


async def test_no_rows_are_answered_without_any_model(store: MemoryBlobs) -> None:
    served = serve(store, {"UA": 3})
    deadline = asyncio.get_running_loop().time() + 30
    assert (await predict_online(served, None, rows(), Lanes(Limits()), deadline)).rows == 0
    assert predict(served, rows()).rows == 0
    assert served.find("UA") is None


@pytest.mark.parametrize("kind", ["double", "float", "datetime", "binary", "any"])
def test_only_values_that_are_written_in_one_way_pick_a_model(store: MemoryBlobs, kind: ColumnType) -> None:
    signature = Signature(columns=(Column(name="carrier", type=kind), Column(name="x", type="double")))
    with pytest.raises(ValidationError, match="carrier must be boolean, integer, long, string"):
        publish(store, {"UA": 3}, signature, columns=("carrier",), unfed=("carrier",))


@pytest.mark.parametrize(("kind", "value", "key"), [("integer", 7, "7"), ("long", -7, "-7"), ("boolean", True, "True")])
async def test_one_row_goes_to_the_same_model_as_several(
    store: MemoryBlobs, kind: ColumnType, value: Any, key: str
) -> None:
    column = Column(name="c", type=kind)
    signature = Signature(columns=(column, Column(name="x", type="double")))
    served = serve(store, {key: 3}, signature=signature, columns=("c",), unfed=("c",))
    for count in (1, 2):
        inputs = Inputs({"c": np.array([value] * count, column.dtype), "x": np.ones(count)}, {})
        assert await answer(served, inputs) == [3] * count


def test_a_model_may_be_asked_for_by_name(store: MemoryBlobs) -> None:
    served = serve(store, {"UA": 3, "B6": 5})
    assert segments.by_name(served.package, "B6") == "B6"
    assert segments.by_name(served.package, None) is None
    with pytest.raises(ModelNotFound):
        segments.by_name(served.package, "ZZ")


def test_without_columns_a_model_is_asked_for_by_name_or_the_fallback_answers(store: MemoryBlobs) -> None:
    numbers = Signature(columns=(Column(name="x", type="double"),))
    by_name = serve(store, {"a": 2, "b": 3}, signature=numbers, columns=(), unfed=())
    with pytest.raises(MalformedRequest, match="name one"):
        segments.by_name(by_name.package, None)
    standing_in = serve(store, {"a": 2, "b": 3}, signature=numbers, columns=(), unfed=(), fallback=("b",))
    assert segments.by_name(standing_in.package, None) == "b"
    assert segments.by_name(standing_in.package, "a") == "a"


def test_a_batch_is_scored_by_the_member_that_is_named_or_stands_in(store: MemoryBlobs) -> None:
    numbers = Signature(columns=(Column(name="x", type="double"),))
    two = Inputs({"x": np.array([1.0, 2.0])}, {})
    standing_in = serve(store, {"a": 2, "b": 3}, signature=numbers, columns=(), unfed=(), fallback=("b",))
    assert predict(standing_in, two, key="a").outputs["y"].tolist() == [2, 4]
    assert predict(standing_in, two).outputs["y"].tolist() == [3, 6]
    assert unknown_rows(standing_in, two.features) == {}
    with pytest.raises(ModelNotFound):
        predict(standing_in, two, key="c")
    nothing = serve(store, {"a": 2, "b": 3}, signature=numbers, columns=(), unfed=())
    with pytest.raises(MalformedRequest, match="name one"):
        predict(nothing, two)


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


def test_a_name_means_nothing_where_there_is_one_model(store: MemoryBlobs) -> None:
    only = PackagedModel(flavor="onnx", model_file="m.onnx")
    file = PackagedFile(path="m.onnx", size_bytes=0, sha256="0" * 64)
    package = ModelPackage(name="one", version="1", signature=SIGNATURE, model=only, files=(file,))
    assert segments.by_name(package, None) == ""
    with pytest.raises(MalformedRequest, match="one model"):
        segments.by_name(package, "a")


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
