"""From a package to a loaded model of whatever flavor it is."""

import logging
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from shared.errors import ModelNotFound, ModelNotReady
from shared.models.files import PackageFiles
from shared.models.flavor import Runtime
from shared.models.flavors import onnx
from shared.models.loaded import LoadedModel, LoadedScript
from shared.models.package import ModelPackage, ModelRef, PackagedModel
from shared.models.signature import Signature

_log = logging.getLogger(__name__)

_MLFLOW_SUFFIXES: Final = frozenset({".yaml", ".txt", ".json"})


class Flavors(NamedTuple):
    """`environments`: the folder in which virtual environments lie by name."""

    onnx_options: onnx.OnnxOptions
    environments: Path

    def load(
        self, ref: ModelRef, package: ModelPackage, runtime: Runtime, member: str, files: PackageFiles
    ) -> LoadedModel | LoadedScript:
        """Raises ModelNotFound for a member that is not in the package, ModelNotReady when it cannot be loaded."""
        model = package.models.get(member) if package.segments else package.model
        if model is None:
            raise ModelNotFound(f"model {ref} has no member '{member[:80]}'")
        signature = model.signature or (package.fed if package.segments else package.signature)
        if model.flavor == "onnx":
            return LoadedModel(ref, signature, self._onnx(ref, package, model, signature, files), member=member)
        raise ModelNotReady(f"models of the flavor {model.flavor} cannot be served yet")

    def _onnx(
        self, ref: ModelRef, package: ModelPackage, model: PackagedModel, signature: Signature, files: PackageFiles
    ) -> onnx.OnnxModel:
        folder = model.model_file.rpartition("/")[0]
        weights = {
            PurePosixPath(file.path).name: files.read(ref, package, file.path)
            for file in package.files
            if _may_hold_weights(file.path, folder) and file.path != model.model_file
        }
        return onnx.load(files.read(ref, package, model.model_file), weights, signature, self.onnx_options)


def _may_hold_weights(path: str, folder: str) -> bool:
    """Beside the graph, and none of the files that MLflow itself writes there."""
    file = PurePosixPath(path)
    return str(file.parent) == (folder or ".") and file.name != "MLmodel" and file.suffix not in _MLFLOW_SUFFIXES
