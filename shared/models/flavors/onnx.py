"""The onnx flavor: a graph that onnxruntime runs in this process."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from shared.errors import ModelNotReady, ScoringFailed
from shared.models.signature import Features, Signature

type Array = np.ndarray[Any, Any]

_DTYPES: Final = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


# Paths of the runtime's sources or of this machine; the names of graph nodes look alike, and may stay.
_PATH: Final = re.compile(r"""(?<!\w)(?<!Name:')\.{0,2}/[^\s"'()]+""")


_NO_FOLDER: Final = "/nonexistent"


class OnnxModel(NamedTuple):
    """A session and its feeds. Safe to call from several threads at once."""

    run: Callable[[list[str], dict[str, Array]], list[Array]]
    outputs: list[str]
    feeds: Callable[[Features], dict[str, Array]]

    def predict(self, features: Features) -> dict[str, Array]:
        """Output name to array; `[rows, 1]` comes as `[rows]`. Raises ScoringFailed."""
        try:
            results = self.run(self.outputs, self.feeds(features))
        except Exception as error:
            raise ScoringFailed(f"the model failed: {_one_line(error)}") from error
        return {
            name: array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array
            for name, array in zip(self.outputs, results, strict=True)
        }


def load(graph: bytes, weights: Mapping[str, bytes], signature: Signature, threads: int) -> OnnxModel:
    """`weights`: files that the graph may refer to, by name. It is given no other file.

    Raises ModelNotReady when the graph cannot be loaded, or does not fit the signature.
    """
    # onnxruntime 1.32 sends telemetry and writes below the home folder, unless it is told not to before its import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # costs 0.7 s: only a process that scores pays it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Without this, weights that the package lacks would be looked for in the process's own folder.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NO_FOLDER)
    if weights:
        sizes = [len(content) for content in weights.values()]
        options.add_external_initializers_from_files_in_memory(list(weights), list(weights.values()), sizes)
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelNotReady(f"the ONNX graph cannot be loaded: {_one_line(error)}") from error
    unusable = [output.name for output in session.get_outputs() if not output.type.startswith("tensor(")]
    if unusable:
        raise ModelNotReady(f"the outputs {', '.join(unusable)} are not tensors: convert the model with zipmap off")
    feeds = _compile_feeds(session.get_inputs(), signature)
    return OnnxModel(session.run, [output.name for output in session.get_outputs()], feeds)


def _compile_feeds(inputs: list[Any], signature: Signature) -> Callable[[Features], dict[str, Array]]:
    """The way from a signature's arrays to the graph's inputs, decided once."""
    dtypes = {entry.name: _dtype(entry) for entry in inputs}
    if signature.tensors:
        if len(inputs) == 1 and len(signature.tensors) == 1:
            only, given = inputs[0].name, signature.tensors[0].name
            return lambda features: {only: features[given].astype(dtypes[only], copy=False)}
        _check_names(set(dtypes), {tensor.name for tensor in signature.tensors})
        return lambda features: {name: features[name].astype(dtype, copy=False) for name, dtype in dtypes.items()}

    columns = [column.name for column in signature.columns]
    if len(inputs) == 1 and inputs[0].name not in columns:
        only = inputs[0].name
        return lambda features: {
            only: np.column_stack([features[name].astype(dtypes[only], copy=False) for name in columns])
        }
    _check_names(set(dtypes), set(columns))
    shapes = {entry.name: (-1, 1) if len(entry.shape) == 2 else (-1,) for entry in inputs}
    plan = [(name, dtype, shapes[name]) for name, dtype in dtypes.items()]
    return lambda features: {
        name: features[name].astype(dtype, copy=False).reshape(shape) for name, dtype, shape in plan
    }


def _dtype(entry: Any) -> Any:
    if entry.type not in _DTYPES:
        raise ModelNotReady(f"the input {entry.name} has the type {entry.type}, which is not supported")
    return _DTYPES[entry.type]


def _check_names(graph: set[str], signature: set[str]) -> None:
    if unknown := sorted(graph - signature):
        raise ModelNotReady(f"the graph takes {', '.join(unknown)}, which the signature does not name")


def _one_line(error: Exception) -> str:
    return _PATH.sub("…", " ".join(str(error).split()))[:300]
