"""The onnx flavor: a graph that onnxruntime runs in this process."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from shared.errors import ModelNotReady, ScoringFailed, ScoringTimeout, SlipwayError
from shared.models.flavor import Abort
from shared.models.flavors.onnx_feeds import Feed, Feeds, compile_feeds
from shared.models.flavors.onnx_outputs import Outputs
from shared.models.flavors.onnx_types import Slot, slot
from shared.models.signature import Array, Features, Params, Signature, count_rows, example

# Paths of the runtime's sources or of this machine; the names of graph nodes look alike, and may stay.
_PATH: Final = re.compile(r"""(?<!\w)(?<!Name:')\.{0,2}/[^\s"'()]+""")
_NO_FOLDER: Final = "/nonexistent"
# Measured: what a session without weights holds, and what it holds for each byte of the graph and its weights.
_SESSION_BYTES: Final = 1_000_000
_MEMORY_PER_BYTE: Final = 3


class OnnxOptions(NamedTuple):
    """`threads`: that one call computes with. `execution_providers`: in order of preference, all of them there."""

    threads: int
    execution_providers: tuple[str, ...] = ("CPUExecutionProvider",)


class OnnxModel:
    """A session, its feeds and its outputs. Safe to call from several threads at once."""

    def __init__(self, session: Any, feeds: Feeds, outputs: Outputs, make_run_options: Callable[[], Any]) -> None:
        self.outputs = outputs.described()
        self.size_bytes = 0
        self.lanes = 1
        self.in_process = True
        self._run: Callable[..., list[Any]] = session.run
        self._feeds = feeds
        self._outputs = outputs
        self._make_run_options = make_run_options

    def predict(self, features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        """Output name to array; `[rows, 1]` comes as `[rows]`. `abort` takes hold between two nodes of the graph.

        Raises SchemaMismatch for a value that the graph's type cannot hold, ScoringFailed, ModelNotReady once it is
        closed, and ScoringTimeout when `abort` was fired.
        """
        feed = self._feeds.rows(features)
        constants = self._feeds.constants(params) if self._feeds.settings else {}
        rows = count_rows(features) if self._feeds.one_by_one else 1
        if rows > 1:
            outputs = self._predict_one_by_one(feed, constants, rows, abort)
        else:
            outputs = self._outputs.read(self._call(feed | constants if constants else feed, abort))
        if len(outputs) != len(self.outputs):  # the classes of a zipmap are found in results only
            self.outputs = self._outputs.described()
        return outputs

    def close(self) -> None:
        self._run = _closed

    def _call(self, feed: Feed, abort: Abort | None) -> list[Any]:
        try:
            return self._run(self._outputs.names, feed) if abort is None else self._call_until(feed, abort)
        except SlipwayError:
            raise
        except Exception as error:
            raise ScoringFailed(f"the model failed: {_one_line(error)}") from error

    def _call_until(self, feed: Feed, abort: Abort) -> list[Any]:
        options = self._make_run_options()
        abort.on_fire(partial(setattr, options, "terminate", True))
        try:
            return self._run(self._outputs.names, feed, options)
        except Exception:
            if abort.fired:
                raise ScoringTimeout("the model was stopped, as nobody waited for it any more") from None
            raise
        finally:
            abort.on_fire(None)

    def _predict_one_by_one(self, feed: Feed, constants: Feed, rows: int, abort: Abort | None) -> dict[str, Array]:
        parts = [
            self._outputs.read(
                self._call({name: array[row : row + 1] for name, array in feed.items()} | constants, abort)
            )
            for row in range(rows)
        ]
        return {name: np.concatenate([np.atleast_1d(part[name]) for part in parts]) for name in parts[0]}


def load(graph: bytes, weights: Mapping[str, bytes], signature: Signature, options: OnnxOptions) -> OnnxModel:
    """`weights`: files that the graph may refer to, by name. It is given no other file.

    Raises ModelNotReady when the graph cannot be loaded, or does not fit the signature.
    """
    # onnxruntime 1.32 sends telemetry and writes below the home folder, unless it is told not to before its import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # costs 0.7 s: only a process that scores pays it

    session = _session(onnxruntime, graph, weights, options)
    # An input with a value of its own need not be given, and is where the signature names it.
    optional = [entry for entry in session.get_overridable_initializers() if entry.name in _names(signature)]
    feeds = compile_feeds([_input(entry) for entry in (*session.get_inputs(), *optional)], signature)
    outputs = Outputs(session.get_outputs(), signature.outputs)
    model = OnnxModel(session, feeds, outputs, onnxruntime.RunOptions)
    model.size_bytes = _SESSION_BYTES + _MEMORY_PER_BYTE * (len(graph) + sum(map(len, weights.values())))
    model.lanes = max(1, (os.process_cpu_count() or 1) // (options.threads or os.process_cpu_count() or 1))
    if outputs.has_zipmaps:
        with suppress(SlipwayError):  # it may well refuse zeros and empty texts
            model.predict(*example(signature), None)
    return model


def _session(onnxruntime: Any, graph: bytes, weights: Mapping[str, bytes], options: OnnxOptions) -> Any:
    wanted, available = options.execution_providers, onnxruntime.get_available_providers()
    if unknown := [name for name in wanted if name not in available]:
        raise ModelNotReady(
            f"execution providers that are not here: {', '.join(unknown)}; available: {', '.join(sorted(available))}"
        )
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    # Without this, weights that the package lacks would be looked for in the process's own folder.
    settings.add_session_config_entry("session.model_external_initializers_file_folder_path", _NO_FOLDER)
    if weights:
        sizes = [len(content) for content in weights.values()]
        settings.add_external_initializers_from_files_in_memory(list(weights), list(weights.values()), sizes)
    try:
        session = onnxruntime.InferenceSession(graph, settings, providers=list(wanted))
    except Exception as error:
        raise ModelNotReady(f"the ONNX graph cannot be loaded: {_one_line(error)}") from error
    # The runtime leaves a provider that does not start out of the session, and goes on without it.
    if dropped := [name for name in wanted if name not in session.get_providers()]:
        raise ModelNotReady(f"execution providers that do not start: {', '.join(dropped)}")
    return session


def _names(signature: Signature) -> set[str]:
    inputs = {column.name for column in signature.columns} | {tensor.name for tensor in signature.tensors}
    return inputs | {param.name for param in signature.params}


def _input(entry: Any) -> Slot:
    found = slot(entry)
    if found is None:
        raise ModelNotReady(f"the graph's input {entry.name} is {entry.type}, which is not supported")
    return found


def _closed(*_: object) -> list[Any]:
    raise ModelNotReady("the model was unloaded: ask again")


def _one_line(error: Exception) -> str:
    return _PATH.sub("…", " ".join(str(error).split()))[:300]
