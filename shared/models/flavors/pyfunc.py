"""The pyfunc flavor: any MLflow model, in worker processes of its own."""

import logging
from pathlib import Path
from typing import Any, Final

from shared.errors import SchemaMismatch, ScoringFailed
from shared.models.flavor import Abort
from shared.models.flavors.sandboxed import Refused, Sandbox
from shared.models.flavors.wording import one_line
from shared.models.flavors.worker_environment import WorkerSpec
from shared.models.sandbox.arrays import pack, unpack
from shared.models.sandbox.tagging import tagged
from shared.models.signature import Array, Features, Inputs, Output, Params, Signature

_log = logging.getLogger(__name__)

UNREADABLE: Final = "the model's process answered what cannot be read"


class SandboxedPyfunc:
    """A Flavor. Its outputs are named by the signature where their number fits; else as MLflow's model names them: a
    data frame's columns, a dict's keys; else `predictions`.
    """

    def __init__(self, sandbox: Sandbox, outputs: tuple[Output, ...]) -> None:
        self._sandbox = sandbox
        self.outputs = outputs
        self.lanes = sandbox.lanes
        self.in_process = False
        self.size_bytes = sandbox.size_bytes

    def predict(self, features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        """Raises SchemaMismatch, too, when MLflow's own check of the inputs refuses them."""
        try:
            arrays, parts = pack(features)
        except TypeError as error:
            raise SchemaMismatch(f"the inputs do not fit: {error}") from None
        try:
            header, answered = self._sandbox.call({"arrays": arrays, "params": tagged(params)}, parts, abort or Abort())
        except Refused as refused:
            raise SchemaMismatch(f"the model does not take these inputs: {refused}") from None
        try:
            return unpack(header["arrays"], answered)
        except (ValueError, TypeError, KeyError):
            raise ScoringFailed(UNREADABLE) from None

    def close(self) -> None:
        self._sandbox.close()


def load_pyfunc(folder: Path, signature: Signature, spec: WorkerSpec, example: Inputs | None) -> SandboxedPyfunc:
    """Loads the MLflow model in `folder`, and warms each worker with `example`, which the model may refuse.

    Raises ModelNotReady when it cannot be loaded.
    """
    specs, parts = pack(example.features) if example is not None else (None, [])
    load = {
        "flavor": "pyfunc",
        "folder": str(folder),
        "kind": "columns" if signature.columns else "tensors" if signature.tensors else "",
        "outputs": [output.name for output in signature.outputs],
        "params": bool(signature.params),
        "example": specs,
        "example_params": tagged(example.params if example is not None else {}),
    }
    sandbox = Sandbox(folder, spec, load, parts)
    if refused := sandbox.loaded.get("refused"):
        _log.warning("model %s was not warmed up: %s", spec.label or folder.name, one_line(str(refused)))
    return SandboxedPyfunc(sandbox, signature.outputs or _seen(sandbox.loaded))


def _seen(loaded: dict[str, Any]) -> tuple[Output, ...]:
    """What the example was answered with; the number of rows is free."""
    return tuple(
        Output(name=name, type="string" if dtype == "object" else dtype, shape=(-1, *shape[1:]))
        for name, dtype, shape in loaded.get("outputs") or ()
    )
