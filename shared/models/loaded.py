"""A model in memory: warmed up before anybody waits for it, and measured, so that its cost is known in advance."""

import logging
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from shared.errors import ModelNotReady, SlipwayError
from shared.models.flavor import Abort, FilesAnswer, Flavor, RawCall, RawReply, Script
from shared.models.package import ModelRef
from shared.models.signature import Array, Features, Inputs, Params, Signature, count_rows, example

_log = logging.getLogger(__name__)

# Until a model is measured it is taken for a slow one, and called in a thread.
_UNKNOWN_CALL_S: Final = 1.0
# A call that took more times as long as expected counts as this many.
_ODD: Final = 4.0
_PROBE_ROWS: Final = 32
# A row with more bytes than so many of the probe's is another matter than the probe was.
_LIKE_PROBE: Final = 4
_LEAST_BYTES: Final = 256
_FIXED: Final = frozenset({"boolean", "integer", "long", "float", "double", "datetime"})
_TEXTS: Final = frozenset({"str", "object", "string"})
_PROBE_CALLS: Final = 3
# A model slower than this is not asked for many rows before it takes traffic.
_PROBE_LIMIT_S: Final = 0.5
# All probes together. A model that hangs holds up the loads of others.
_WARM_UP_LIMIT_S: Final = 60.0
# Gathering rows pays where _PROBE_ROWS of them cost less than this many times one.
_BATCHING_PAYS: Final = 4.0


class _Held:
    """Counts who is inside, so that what is held is let go when the last one has left."""

    def __init__(self, ref: ModelRef, held: Flavor | Script, on_close: Callable[[], None]) -> None:
        self.ref = ref
        self._on_close = on_close
        self.size_bytes = held.size_bytes
        self.lanes = held.lanes
        self._held = held
        self._inside = 0
        self._closing = False
        self._guard = threading.Lock()

    def _enter(self) -> None:
        with self._guard:
            if self._closing:
                raise ModelNotReady(f"model {self.ref} has just left the memory: try again")
            self._inside += 1

    def _leave(self) -> None:
        with self._guard:
            self._inside -= 1
            last = self._closing and not self._inside
        if last:
            self._held.close()
            self._on_close()

    @property
    def is_gone(self) -> bool:
        return self._closing

    def close(self) -> None:
        """No new call is taken from now on."""
        with self._guard:
            if self._closing:
                return
            self._closing = True
            self._inside += 1
        self._leave()


class LoadedScript(_Held):
    """A score.py whose processes have run `init`."""

    def __init__(self, ref: ModelRef, script: Script, on_close: Callable[[], None]) -> None:
        super().__init__(ref, script, on_close)
        self._script = script

    def run(self, call: RawCall, abort: Abort | None) -> RawReply:
        """Raises what the script's process raises; ModelNotReady when it was let go meanwhile."""
        self._enter()
        try:
            return self._script.run(call, abort)
        finally:
            self._leave()

    def run_files(self, paths: Sequence[Path], abort: Abort | None) -> FilesAnswer:
        """As `run`."""
        self._enter()
        try:
            return self._script.run_files(paths, abort)
        finally:
            self._leave()


class LoadedModel(_Held):
    """A model ready to predict. `member`: which one of a package of many; `size_bytes`: memory it holds."""

    def __init__(
        self,
        ref: ModelRef,
        signature: Signature,
        flavor: Flavor,
        *,
        member: str = "",
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(ref, flavor, on_close)
        self.member = member
        self.signature = signature
        self.flavor = flavor
        self.call_s = _UNKNOWN_CALL_S
        self.row_s = 0.0
        self.gathers = False
        # With texts, or with a free size beside its rows, one row may cost a thousand times another.
        self._is_elastic = _is_elastic(signature)
        self._probe_bytes = max(size_of(example(signature).features), _LEAST_BYTES)

    def cost_s(self, rows: int) -> float:
        """What a call of so many rows will take, by what was measured."""
        return self.call_s + self.row_s * rows

    def is_quick(self, features: Features, rows: int, limit_s: float) -> bool:
        """Whether a call is known to take less: by its rows, and where rows differ by their bytes too."""
        if not self.flavor.in_process or self.cost_s(rows) >= limit_s:
            return False
        return not self._is_elastic or size_of(features) <= _LIKE_PROBE * self._probe_bytes * rows

    def predict(self, features: Features, params: Params, abort: Abort | None = None) -> dict[str, Array]:
        """Raises what the flavor raises; ModelNotReady when it was let go meanwhile."""
        self._enter()
        try:
            started = time.perf_counter()
            outputs = self.flavor.predict(features, params, abort)
            self._measured(count_rows(features), time.perf_counter() - started)
            return outputs
        finally:
            self._leave()

    def _measured(self, rows: int, seconds: float) -> None:
        """A moving average; a call that lost the processor for a while counts for little, a slow model soon shows."""
        expected = self.cost_s(rows)
        scale = 0.8 + 0.2 * min(seconds / expected, _ODD) if expected > 0 else 1.0
        self.call_s *= scale
        self.row_s *= scale

    def warm_up(self, limit_s: float = _WARM_UP_LIMIT_S) -> None:
        """The first calls of a model cost many times the later ones. Tells what a call and a row cost.

        Raises ModelNotReady when that takes longer than `limit_s`.
        """
        one = example(self.signature)
        if not one.features:
            return
        abort = Abort()
        timer = threading.Timer(limit_s, abort.fire)
        timer.daemon = True
        timer.start()
        try:
            self.flavor.predict(one.features, one.params, abort)
            first_s = self._probe(one, abort)
            many_s = _PROBE_ROWS * first_s
            if first_s < _PROBE_LIMIT_S:
                many_s = self._probe(_repeated(one, _PROBE_ROWS), abort)
        except SlipwayError as error:
            if abort.fired:
                raise ModelNotReady(f"model {self.ref} did not answer its warm-up within {limit_s:g} s") from None
            # A model may well refuse zeros and empty texts, an encoder its unknown categories.
            _log.warning("model %s was not warmed up: %s", self.ref, error.message)
            return
        finally:
            timer.cancel()
        self.row_s = max(many_s - first_s, 0.0) / (_PROBE_ROWS - 1)
        self.call_s = max(first_s - self.row_s, 1e-7)
        self.gathers = many_s < _BATCHING_PAYS * first_s

    def _probe(self, inputs: Inputs, abort: Abort) -> float:
        took = []
        for _ in range(_PROBE_CALLS):
            started = time.perf_counter()
            self.flavor.predict(inputs.features, inputs.params, abort)
            took.append(time.perf_counter() - started)
        return statistics.median(took)


def _repeated(inputs: Inputs, rows: int) -> Inputs:
    return Inputs({name: np.repeat(array, rows, axis=0) for name, array in inputs.features.items()}, inputs.params)


def _is_elastic(signature: Signature) -> bool:
    if signature.columns:
        return any(column.type not in _FIXED for column in signature.columns)
    return not signature.tensors or any(-1 in each.shape[1:] or each.dtype in _TEXTS for each in signature.tensors)


def size_of(features: Features) -> int:
    """Bytes of the values; of texts, their characters too."""
    return sum(array.nbytes + (_characters(array) if array.dtype == object else 0) for array in features.values())


def _characters(array: Array) -> int:
    return sum(len(each) for each in array.flat if isinstance(each, str | bytes))
