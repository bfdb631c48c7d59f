"""From a package to a loaded model of whatever flavor it is."""

import logging
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from shared.errors import ModelNotFound, ModelNotReady
from shared.models.files import PackageFiles
from shared.models.flavor import Runtime
from shared.models.flavors import onnx
from shared.models.flavors.pyfunc import load_pyfunc
from shared.models.flavors.script import load_script
from shared.models.flavors.worker_environment import WorkerSpec
from shared.models.loaded import LoadedModel, LoadedScript
from shared.models.package import ModelPackage, ModelRef, PackagedModel
from shared.models.signature import Signature, example

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
        folder = files.unpack(ref, package, model.folder)
        try:
            return self._sandboxed(ref, package, model, signature, member, runtime, folder)
        except BaseException:
            folder.cleanup()
            raise

    def _sandboxed(
        self,
        ref: ModelRef,
        package: ModelPackage,
        model: PackagedModel,
        signature: Signature,
        member: str,
        runtime: Runtime,
        folder: TemporaryDirectory[str],
    ) -> LoadedModel | LoadedScript:
        place, spec = Path(folder.name), self._spec(runtime, f"{ref} {member}".strip())
        if package.code_configuration is not None:
            code = package.code_configuration
            script = load_script(place, code.code, code.scoring_script, code.model, spec)
            return LoadedScript(ref, script, on_close=folder.cleanup)
        flavor = load_pyfunc(
            place, signature, spec, example(signature) if signature.columns or signature.tensors else None
        )
        return LoadedModel(ref, signature, flavor, member=member, on_close=folder.cleanup)

    def _spec(self, runtime: Runtime, label: str) -> WorkerSpec:
        python = None
        if runtime.environment:
            python = self.environments / runtime.environment / "bin" / "python"
            if not python.is_file():
                raise ModelNotReady(f"the environment '{runtime.environment}' is not there: deploy the app with it")
        return WorkerSpec(python, dict(runtime.variables), runtime.workers, label=label)

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
    if not path.startswith(folder):  # which a package of many models asks of very many paths
        return False
    file = PurePosixPath(path)
    return str(file.parent) == (folder or ".") and file.name != "MLmodel" and file.suffix not in _MLFLOW_SUFFIXES
