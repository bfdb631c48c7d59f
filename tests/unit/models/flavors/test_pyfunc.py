"""MLflow models in workers: real ones, of every kind."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest

from shared.errors import ModelNotReady, SchemaMismatch, ScoringFailed
from shared.models.flavor import Abort
from shared.models.flavors.pyfunc import SandboxedPyfunc, load_pyfunc
from shared.models.flavors.worker_environment import WorkerSpec
from shared.models.signature import Column, Features, Inputs, Output, Param, Signature, Tensor, example
from tests.unit.models.flavors import mlflow_models
from tests.unit.models.flavors.scripts import Log, logged

PIPELINE = Signature(
    columns=(Column(name="carrier", type="string"), Column(name="distance", type="double")),
    outputs=(Output(name="delay", type="double"),),
)
FOREST = Signature(tensors=(Tensor(dtype="float64", shape=(-1, 2)),))
ODD = Signature(
    columns=(Column(name="x", type="double"),),
    params=(Param(name="kind", type="string", default="array"), Param(name="factor", type="double", default=2.0)),
)
SPEC = WorkerSpec()
X: Features = {"x": np.array([1.0, 2.0])}


class Models(NamedTuple):
    pipeline: SandboxedPyfunc
    forest: SandboxedPyfunc
    odd: SandboxedPyfunc
    unsigned: SandboxedPyfunc
    failed: object
    log: Log


def texts(*values: str | None) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=object)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    """All at once: each import of MLflow takes seconds."""
    folder = tmp_path_factory.mktemp("pyfunc")
    mlflow_models.save_pipeline(folder / "pipeline")
    mlflow_models.save_forest(folder / "forest")
    mlflow_models.save_odd(folder / "odd")
    mlflow_models.save_unsigned(folder / "unsigned")
    loads: list[tuple[str, Signature, Inputs | None]] = [
        ("pipeline", PIPELINE, example(PIPELINE)),
        ("forest", FOREST, example(FOREST)),
        ("odd", ODD, example(ODD)),
        ("unsigned", Signature(), None),
        ("no model", Signature(), None),
    ]
    (folder / "no model").mkdir()
    with logged() as log, ThreadPoolExecutor() as threads:
        starting = [threads.submit(load_pyfunc, folder / name, signed, SPEC, one) for name, signed, one in loads]
        *loaded, failed = (each.exception() or each.result() for each in starting)
    opened = [model for model in loaded if isinstance(model, SandboxedPyfunc)]
    try:
        pipeline, forest, odd_one, unsigned = opened
        yield Models(pipeline, forest, odd_one, unsigned, failed, log)
    finally:
        for model in opened:
            model.close()


def odd(models: Models, kind: str, features: Features = X, **params: Any) -> dict[str, Any]:
    outputs = models.odd.predict(features, {"kind": kind, "factor": 2.0, **params}, Abort())
    return {name: array.tolist() for name, array in outputs.items()}


def test_a_pipeline_takes_texts_and_names_its_output_as_the_signature_does(models: Models) -> None:
    outputs = models.pipeline.predict({"distance": np.array([1.0, 4.0]), "carrier": texts("AA", "DL")}, {}, Abort())
    assert {name: array.round(6).tolist() for name, array in outputs.items()} == {"delay": [1.0, 4.0]}
    assert models.pipeline.outputs == PIPELINE.outputs
    assert models.pipeline.lanes == 1


def test_a_model_that_raises_says_so_in_one_line(models: Models) -> None:
    with pytest.raises(ScoringFailed) as caught:
        models.pipeline.predict({"carrier": texts("nobody"), "distance": np.array([1.0])}, {}, Abort())
    assert caught.value.message.startswith("the model failed: ValueError: Found unknown categories ['nobody']")
    assert "\n" not in caught.value.message


def test_what_mlflow_refuses_is_the_callers_fault(models: Models) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        models.pipeline.predict({"carrier": texts("AA")}, {}, Abort())
    assert "Model is missing inputs ['distance']" in caught.value.message


def test_a_forest_takes_a_tensor_and_its_output_is_called_predictions(models: Models) -> None:
    outputs = models.forest.predict({"": np.array([[1.0, 1.0], [0.0, 0.0]])}, {}, Abort())
    assert {name: array.tolist() for name, array in outputs.items()} == {"predictions": [1, 0]}
    assert models.forest.outputs == (Output(name="predictions", type="int64"),)


@pytest.mark.parametrize(
    ("kind", "outputs"),
    [
        ("array", {"predictions": [2.0, 4.0]}),
        ("column", {"predictions": [2.0, 4.0]}),
        ("grid", {"predictions": [[2.0, -2.0], [4.0, -4.0]]}),
        ("list", {"predictions": [2.0, 4.0]}),
        ("nested", {"predictions": [[2.0, 2.0], [4.0, 4.0]]}),
        ("ragged", {"predictions": [[], ["a"]]}),
        ("frame", {"a": [2.0, 4.0], "b": ["t", "t"]}),
        ("series", {"predictions": [2.0, 4.0]}),
        ("named", {"own": [2.0, 4.0]}),
        ("dict", {"low": [1.0, 3.0], "high": [3.0, 5.0]}),
        ("texts", {"predictions": ["ü", "ü"]}),
        ("objects", {"predictions": [{"box": [1, 2.5], "label": None}] * 2}),
        ("bytes", {"predictions": [b"\x00\xff"] * 2}),
    ],
)
def test_predictions_of_every_kind_become_named_arrays(models: Models, kind: str, outputs: dict[str, Any]) -> None:
    assert odd(models, kind) == outputs


def test_missing_values_become_nan_and_none(models: Models) -> None:
    assert repr(odd(models, "missing")) == "{'n': [1.0, nan], 's': ['t', None]}"


def test_a_single_value_answers_a_single_row(models: Models) -> None:
    assert odd(models, "one", {"x": np.array([3.0])}) == {"predictions": [6.0]}


def test_params_reach_the_model(models: Models) -> None:
    assert odd(models, "array", factor=10.0) == {"predictions": [10.0, 20.0]}
    with pytest.raises(SchemaMismatch, match="factor"):
        odd(models, "array", factor="much")


def test_a_large_array_goes_there_and_back(models: Models) -> None:
    x = np.arange(2_000_000, dtype=np.float64)
    outputs = models.odd.predict({"x": x}, {"kind": "array", "factor": 2.0}, Abort())
    assert outputs["predictions"][[0, 1, -1]].tolist() == [0.0, 2.0, 2.0 * x[-1]]
    outputs["predictions"][0] = 1.0  # it is the caller's own


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ({"a": np.array([1]), "b": texts("x")}, "a:int64 b:object"),
        ({"b": texts("x"), "a": texts("y")}, "b:object a:object"),
        ({"b": np.array([1.0]), "a": np.array([2.0])}, "b:float64 a:float64"),
        ({"a": np.array([True]), "t": np.array(["2024-02-29"], "datetime64[ns]")}, "a:bool t:datetime64[ns]"),
        ({"": np.zeros((1, 3))}, "array(1, 3)"),
        ({"a": np.zeros((1, 3)), "b": np.zeros(1)}, "a(1, 3) b(1,)"),
    ],
)
def test_a_model_without_a_signature_gets_what_fits_the_inputs(models: Models, features: Features, told: str) -> None:
    assert models.unsigned.predict(features, {}, Abort())["predictions"].tolist() == [told]
    assert models.unsigned.outputs == ()


def test_memory_is_that_of_the_worker(models: Models) -> None:
    assert 20e6 < models.forest.size_bytes < 2e9


def test_calls_from_many_threads_take_turns(models: Models) -> None:
    seen: list[bool] = []

    def call(number: float) -> None:
        seen.append(odd(models, "array", {"x": np.array([number])}) == {"predictions": [2 * number]})

    threads = [threading.Thread(target=call, args=(float(number),)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 16


def test_a_folder_that_is_no_model_is_not_ready(models: Models) -> None:
    assert isinstance(models.failed, ModelNotReady)
    assert models.failed.message == (
        'the model cannot be loaded: MlflowException: Could not find an "MLmodel" configuration file at "…"'
    )


def test_a_model_that_refuses_its_example_is_ready_all_the_same(models: Models) -> None:
    """Zeros and empty texts are no inputs for every model."""
    assert "pipeline was not warmed up: ValueError: Found unknown categories" in models.log.wait_for("not warmed up")


def test_a_value_that_cannot_be_sent_to_a_worker_is_the_callers_fault(models: Models) -> None:
    odd = np.array([timedelta(seconds=1)], dtype=object)
    with pytest.raises(SchemaMismatch, match="a value of type timedelta cannot be sent"):
        models.unsigned.predict({"x": odd}, {}, None)
