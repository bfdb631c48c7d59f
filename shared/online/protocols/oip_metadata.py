"""What the Open Inference Protocol tells of the server and its models, as plain documents.

A model is an endpoint, its versions are the endpoint's deployments. Source: the protocol's REST specification; the
repository index is Triton's extension.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.models.coercion import KINDS, tensor_dtype
from shared.models.signature import Output, Signature
from shared.online.protocols.oip_tensors import UNNAMED_OUTPUT, datatype_of

# As in pyproject.toml.
VERSION: Final = "0.1.0"
# What the one tensor of a model that gives it no name is called; any name is taken for it.
UNNAMED_INPUT: Final = "input"
_PLATFORMS: Final[Mapping[str, str]] = {"onnx": "onnx_onnxv1", "pyfunc": "mlflow_pyfunc", "script": "python_script"}
_STATES: Final[Mapping[str, str]] = {"Ready": "READY", "Loading": "LOADING"}


def server() -> dict[str, Any]:
    return {"name": "slipway", "version": VERSION, "extensions": ["binary_tensor_data"]}


def health() -> dict[str, Any]:
    """For live and ready alike: clients of the one kind look for `live`, of the other for `ready`."""
    return {"live": True, "ready": True}


def model(
    endpoint: str, deployments: Sequence[str], flavor: str, signature: Signature, outputs: Sequence[Output]
) -> dict[str, Any]:
    """`flavor`: of the package; `outputs`: of the loaded model, which knows more of them than a signature says."""
    return {
        "name": endpoint,
        "versions": list(deployments),
        "platform": _PLATFORMS.get(flavor, flavor),
        "inputs": [
            *(_tensor(column.name, column.type, (-1,)) for column in signature.columns),
            *(_tensor(tensor.name or UNNAMED_INPUT, tensor.dtype, tensor.shape) for tensor in signature.tensors),
        ],
        "outputs": [_tensor(output.name or UNNAMED_OUTPUT, output.type, output.shape) for output in outputs],
    }


def _tensor(name: str, kind: str, shape: Sequence[int]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype(kind), "shape": list(shape)}


def datatype(kind: str) -> str:
    """Of an MLflow column type, or of a numpy type by its name."""
    if kind in KINDS:
        return datatype_of(KINDS[kind].dtype)
    try:
        return datatype_of(tensor_dtype(kind))
    except ValueError:
        return "BYTES"


def ready(endpoint: str) -> dict[str, Any]:
    return {"name": endpoint, "ready": True}


def indexed(endpoint: str, deployment: str, state: str, error: str) -> dict[str, Any]:
    """`state`: of the deployment on this instance; a model that nobody has asked for yet is not loaded."""
    reason = error or ("the first request loads it" if state == "Idle" else "")
    return {"name": endpoint, "version": deployment, "state": _STATES.get(state, "UNAVAILABLE"), "reason": reason}
