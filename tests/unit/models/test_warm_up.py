"""A model is not waited for without end before it takes traffic."""

import threading
from pathlib import Path

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import ModelNotReady, ScoringTimeout
from shared.models.files import PackageFiles
from shared.models.flavor import Abort, Runtime
from shared.models.flavors.build import Flavors
from shared.models.flavors.onnx import OnnxOptions
from shared.models.loaded import LoadedModel
from shared.models.loader import Loader, ModelId
from shared.models.package import ModelPackage, ModelRef
from shared.models.signature import Array, Features, Params
from tests.support.loading import FunctionModel, loaded_as
from tests.unit.models.graphs import FLOAT, columns, identity, upload


def hanging(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
    """Until it is stopped."""
    assert abort is not None
    stopped = threading.Event()
    abort.on_fire(stopped.set)
    assert stopped.wait(30)
    raise ScoringTimeout("stopped")


def test_a_model_that_hangs_in_its_warm_up_is_stopped_and_not_ready() -> None:
    with pytest.raises(ModelNotReady, match=r"model tiny/1 did not answer its warm-up within 0.01 s"):
        loaded_as(FunctionModel(hanging), columns("x")).warm_up(0.01)


def test_a_model_that_warms_up_in_time_is_measured() -> None:
    model = loaded_as(FunctionModel(lambda features, params, abort: {"y": np.zeros(1)}), columns("x"), 1.0)
    model.warm_up()
    assert 0 < model.cost_s(1) < 1


class UnreadyModel(LoadedModel):
    def warm_up(self, limit_s: float = 0.0) -> None:
        raise ModelNotReady("hangs")


def test_what_a_model_that_is_not_ready_holds_is_let_go(store: MemoryBlobs) -> None:
    ref = upload(store, identity(FLOAT, [None, 1]), columns("x"))
    flavor = FunctionModel(hanging)

    class Unready(Flavors):
        def load(
            self, ref: ModelRef, package: ModelPackage, runtime: Runtime, member: str, files: PackageFiles
        ) -> LoadedModel:
            return UnreadyModel(ref, columns("x"), flavor)

    loader = Loader(store, Unready(OnnxOptions(threads=1), Path("environments")), 1000)
    with pytest.raises(ModelNotReady, match="hangs"):
        loader.get(ModelId(ref))
    assert flavor.closed
