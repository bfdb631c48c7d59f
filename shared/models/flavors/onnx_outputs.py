"""From what a graph returns to named arrays, one entry a row."""

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from shared.errors import ModelNotReady, ScoringFailed
from shared.models.flavors.onnx_types import Slot, slot, type_name
from shared.models.signature import Array, Output

# What skl2onnx makes of a classifier's probabilities unless zipmap is switched off: a map a row, by class.
_ZIPMAP: Final = re.compile(r"seq\(map\((string|int64),tensor\(float\)\)\)")


class Outputs:
    """The outputs of one graph. The classes of a zipmap are known from the first results on."""

    def __init__(self, entries: Sequence[Any], declared: Sequence[Output]) -> None:
        """`entries`: of the session; `declared`: of the signature. Raises ModelNotReady for what is no tensor."""
        self.names = [entry.name for entry in entries]
        self._tensors = {entry.name: tensor for entry in entries if (tensor := slot(entry)) is not None}
        self._classes: dict[str, tuple[Hashable, ...]] = {}
        self._shapes = {output.name: output.shape for output in declared}
        for entry in entries:
            if entry.name not in self._tensors and not _ZIPMAP.fullmatch(entry.type):
                raise ModelNotReady(
                    f"the graph's output {entry.name} is {entry.type}, which is not supported: "
                    "export the model with tensors only"
                )
        self.has_zipmaps = len(self._tensors) < len(self.names)

    def described(self) -> tuple[Output, ...]:
        """By the graph, which is what comes; a zipmap only once its classes are known."""
        found = []
        for name in self.names:
            if name in self._tensors:
                tensor = self._tensors[name]
                found.append(Output(name=name, type=type_name(tensor.dtype), shape=self._shape(tensor)))
            else:
                found += [Output(name=f"{name}_{key}", type="float32") for key in self._classes.get(name, ())]
        return tuple(found)

    def read(self, results: Sequence[Any]) -> dict[str, Array]:
        """Raises ScoringFailed when the rows of a zipmap differ in their classes."""
        if not self.has_zipmaps:
            return {name: _flat(array) for name, array in zip(self.names, results, strict=True)}
        outputs: dict[str, Array] = {}
        for name, result in zip(self.names, results, strict=True):
            if name in self._tensors:
                outputs[name] = _flat(result)
            else:
                outputs.update(self._by_class(name, result))
        return outputs

    def _by_class(self, name: str, maps: Sequence[Mapping[Hashable, float]]) -> dict[str, Array]:
        classes = self._classes.setdefault(name, tuple(maps[0]) if maps else ())
        try:
            values = np.array([[row[key] for key in classes] for row in maps], np.float32)
        except KeyError as error:
            raise ScoringFailed(f"the model failed: a row of the output {name} has no class {error}") from None
        return {f"{name}_{key}": values[:, at] for at, key in enumerate(classes)}

    def _shape(self, tensor: Slot) -> tuple[int, ...]:
        if not tensor.shape:
            return self._shapes.get(tensor.name, (-1,))
        tail = tuple(-1 if size is None else size for size in tensor.shape[1:])
        return (-1,) if tail == (1,) else (-1, *tail)


def _flat(array: Array) -> Array:
    """`[rows, 1]` as `[rows]`."""
    return array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array
