"""The onnx flavor: a graph that onnxruntime runs in this process."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from shared.errors import ModelNotReady, ScoringFailed, ScoringTimeout, SlipwayError
from shared.models.flavor import Abort
from shared.models.flavors.onnx_feeds import Feed, Feeds, compile_feeds
from shared.models.flavors.onnx_outputs import Outputs
from shared.models.flavors.onnx_session import held_bytes, make_session, one_line, runtime
from shared.models.flavors.onnx_types import Slot, slot
from shared.models.signature import Array, Features, Params, Signature, count_rows, example


class OnnxOptions(NamedTuple):
    """`threads`: that one call computes with; 0: all. `execution_providers`: all of them wanted, the best first."""

    threads: int
    execution_providers: tuple[str, ...] = ("CPUExecutionProvider",)


class OnnxModel:
    """A session, its feeds and its outputs. Safe to call from several threads at once."""

    def __init__(self, session: Any, feeds: Feeds, outputs: Outputs, size_bytes: int, lanes: int) -> None:
        self.outputs = outputs.described()
        self.size_bytes = size_bytes
        self.lanes = lanes
        self.in_process = True
        self._run: Callable[..., list[Any]] = session.run
        self._feeds = feeds
        self._outputs = outputs

    def predict(self, features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        """Output name to array; `[rows, 1]` comes as `[rows]`. `abort` takes hold between two nodes of the graph.

        Raises SchemaMismatch for a value that the graph's type cannot hold, ScoringFailed, ModelNotReady once it is
        closed, and ScoringTimeout when `abort` was fired.
        """
        feeds = self._feeds
        feed = feeds.rows(features)
        constants = feeds.constants(params) if feeds.settings else {}
        if feeds.one_by_one and (rows := count_rows(features)) > 1:
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
            raise ScoringFailed(f"the model failed: {one_line(error)}") from error

    def _call_until(self, feed: Feed, abort: Abort) -> list[Any]:
        options = runtime().RunOptions()
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
    session = make_session(graph, weights, options.threads, options.execution_providers)
    # An input with a value of its own need not be given, and is where the signature names it.
    optional = [entry for entry in session.get_overridable_initializers() if entry.name in _names(signature)]
    feeds = compile_feeds([_input(entry) for entry in (*session.get_inputs(), *optional)], signature)
    outputs = Outputs(session.get_outputs(), signature.outputs)
    cores = os.process_cpu_count() or 1
    lanes = max(1, cores // (options.threads or cores))
    model = OnnxModel(session, feeds, outputs, held_bytes(graph, weights), lanes)
    if outputs.has_zipmaps:
        with suppress(SlipwayError):  # it may well refuse zeros and empty texts
            model.predict(*example(signature), None)
    return model


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
