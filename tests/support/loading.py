"""A loader as the app makes it, on any store."""

from collections.abc import Callable
from pathlib import Path

from shared.adapters.memory import MemoryBlobs
from shared.models.flavor import Abort, Flavor
from shared.models.flavors.build import Flavors
from shared.models.flavors.onnx import OnnxOptions
from shared.models.loaded import LoadedModel
from shared.models.loader import Loader, ModelId, OnLoad
from shared.models.package import ModelPackage, ModelRef, PackagedFile, PackagedModel
from shared.models.served import ServedModel
from shared.models.signature import Array, Features, Output, Params, Signature
from shared.ports import BlobStore

MEMORY_BYTES = 4 * 2**30


def make_loader(store: BlobStore, memory_bytes: int = MEMORY_BYTES, on_load: OnLoad = lambda *_: None) -> Loader:
    return Loader(store, Flavors(OnnxOptions(threads=1), Path("environments")), memory_bytes, on_load)


def load(loader: Loader, ref: ModelRef, member: str = "") -> LoadedModel:
    loaded = loader.get(ModelId(ref, member=member))
    assert isinstance(loaded, LoadedModel)
    return loaded


def serve(store: BlobStore, ref: ModelRef) -> ServedModel:
    loader = make_loader(store)
    return ServedModel(ModelId(ref), loader.package(ref), loader)


class FunctionModel:
    """A model that is a function of features, params and abort."""

    size_bytes = 1000
    in_process = True

    def __init__(self, function: Callable[[Features, Params, Abort | None], dict[str, Array]], lanes: int = 1) -> None:
        self.outputs: tuple[Output, ...] = (Output(name="y", type="double"),)
        self.lanes = lanes
        self.predict = function
        self.closed = False

    def close(self) -> None:
        self.closed = True


def loaded_as(flavor: Flavor, signature: Signature, call_s: float = 0.0, *, gathers: bool = False) -> LoadedModel:
    """A loaded model that takes this long by what was measured."""
    model = LoadedModel(ModelRef("tiny", "1", "sha256:" + "0" * 64), signature, flavor)
    model.call_s, model.row_s, model.gathers = call_s, 0.0, gathers
    return model


def served_as(model: LoadedModel) -> ServedModel:
    """A package whose only model is this one, and is loaded already."""
    file = PackagedFile(path="model.onnx", size_bytes=0, sha256="0" * 64)
    only = PackagedModel(flavor="onnx", model_file="model.onnx")
    package = ModelPackage(name="tiny", version="1", signature=model.signature, model=only, files=(file,))
    loader = make_loader(MemoryBlobs())
    loader._keep(ModelId(model.ref), model)
    return ServedModel(ModelId(model.ref), package, loader)
