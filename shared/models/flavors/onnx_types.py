"""What onnxruntime says of a graph's inputs and outputs, in numpy's words."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

DTYPES: Final[Mapping[str, np.dtype[Any]]] = {
    f"tensor({written})": np.dtype(kind)
    for written, kind in {
        "bool": np.bool_,
        "double": np.float64,
        "float": np.float32,
        "float16": np.float16,
        "int8": np.int8,
        "int16": np.int16,
        "int32": np.int32,
        "int64": np.int64,
        "string": np.object_,
        "uint8": np.uint8,
        "uint16": np.uint16,
        "uint32": np.uint32,
        "uint64": np.uint64,
    }.items()
}


class Slot(NamedTuple):
    """One tensor of a graph. `shape`: None for a dimension of any size; empty where the graph does not tell.

    onnxruntime does not tell a scalar from a tensor of unknown shape, and takes any shape for both.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]

    @property
    def spelled(self) -> str:
        """As `float32[?, 4]`, for messages."""
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{type_name(self.dtype)}[{sizes}]" if self.shape else type_name(self.dtype)


def slot(entry: Any) -> Slot | None:
    """None where `entry`, one of a session's inputs or outputs, is no tensor of a type that numpy knows."""
    if entry.type not in DTYPES:
        return None
    sizes = tuple(size if isinstance(size, int) and size >= 0 else None for size in entry.shape)
    return Slot(entry.name, DTYPES[entry.type], sizes)


def type_name(dtype: np.dtype[Any]) -> str:
    return "string" if dtype.kind == "O" else dtype.name
