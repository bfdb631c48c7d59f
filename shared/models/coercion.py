"""The one table of types: what each MLflow type takes, and what stands for a missing value.

Source of the words and of what is accepted: MLflow's model signature enforcement.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import numpy as np

type ColumnType = Literal["boolean", "integer", "long", "float", "double", "string"]

NUMBERS: Final = frozenset({int, float})


class Kind(NamedTuple):
    """How one MLflow column type is taken: from which JSON types, and for whole numbers within which range."""

    dtype: Any
    accepts: frozenset[type]
    spelled: str
    missing: Any
    lowest: int = 0
    highest: int = 0


KINDS: Final[Mapping[str, Kind]] = {
    "boolean": Kind(np.bool_, frozenset({bool}), "true or false", None),
    "integer": Kind(np.int32, NUMBERS, "a whole number", None, -(2**31), 2**31 - 1),
    "long": Kind(np.int64, NUMBERS, "a whole number", None, -(2**63), 2**63 - 1),
    "float": Kind(np.float32, NUMBERS, "a number", np.nan),
    "double": Kind(np.float64, NUMBERS, "a number", np.nan),
    "string": Kind(np.object_, frozenset({str}), "a text", ""),
}
# Which JSON types a tensor takes, by the kind of its numpy type; numbers where it is not here.
TENSOR_ACCEPTS: Final[Mapping[str, frozenset[type]]] = {"b": frozenset({bool}), "O": frozenset({str})}
# JSON numbers above this lose digits on the way through a double.
EXACT: Final = 2**53


def tensor_dtype(name: str) -> np.dtype[Any]:
    """Texts are held as objects, as onnxruntime takes them. Raises ValueError."""
    try:
        dtype = np.dtype("O" if name == "string" else name)
    except TypeError:
        raise ValueError(f"'{name}' is not a type of tensors") from None
    if dtype.kind not in "biufUO":
        raise ValueError(f"tensors of type '{name}' are not supported")
    return np.dtype("O") if dtype.kind == "U" else dtype
