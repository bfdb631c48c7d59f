"""The one table of types: what each MLflow type takes, and what stands for a missing value.

JSON, CSV, Parquet, typed tensors and batch jobs all take their rules from here. Source of the words and of what is
accepted: MLflow's model signature enforcement.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from shared.models.values import INSTANT, anything, binary, instant, number, of_type, shown, whole

type ColumnType = Literal[
    "boolean",
    "integer",
    "long",
    "float",
    "double",
    "string",
    "datetime",
    "binary",
    "array",
    "object",
    "map",
    "any",
]


class Kind(NamedTuple):
    """How values of one MLflow type are taken.

    `take`: one JSON value to what is stored, raising ValueError with the reason. `plain`: the JSON types of which numpy
    makes `dtype` by itself, exactly or raising; what it makes of numbers is still held to be finite. `missing`: what
    stands for a missing value, where `optional`. `spelled`: for the messages. `arrow`: the Arrow type's name.
    `text`: what a CSV may hold, and its words; "" where `take` reads the text itself. `sample`: a value no model minds.
    """

    dtype: np.dtype[Any]
    take: Callable[[Any], Any]
    plain: frozenset[type]
    spelled: str
    arrow: str
    sample: Any
    optional: bool = False
    missing: Any = None
    text: str = ""


_OBJECT: Final = np.dtype(object)
# What pyarrow reads as a number, and a plus sign besides. Which numbers a type holds, its cast decides.
_WHOLE: Final = r"^([+-]?\d+|0[xX][0-9a-fA-F]+)$"
_NUMBER: Final = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:nan(\(\w*\))?|inf|infinity))$"
_NUMBERS: Final[frozenset[type]] = frozenset({int, float, type(None)})
_NONE: Final[frozenset[type]] = frozenset()

KINDS: Final[Mapping[str, Kind]] = {
    "boolean": Kind(
        dtype=np.dtype(np.bool_),
        take=of_type(bool, "true or false"),
        plain=frozenset({bool}),
        spelled="true or false",
        arrow="bool",
        sample=False,
        text=r"^(?i:true|false|0|1)$",
    ),
    "integer": Kind(
        dtype=np.dtype(np.int32),
        take=whole("integer", -(2**31), 2**31 - 1),
        plain=frozenset({int}),
        spelled="a whole number of type integer",
        arrow="int32",
        sample=0,
        text=_WHOLE,
    ),
    "long": Kind(
        dtype=np.dtype(np.int64),
        take=whole("long", -(2**63), 2**63 - 1),
        plain=frozenset({int}),
        spelled="a whole number of type long",
        arrow="int64",
        sample=0,
        text=_WHOLE,
    ),
    "float": Kind(
        dtype=np.dtype(np.float32),
        take=number("float", np.float32),
        plain=_NUMBERS,
        spelled="a number",
        arrow="float32",
        sample=0.0,
        optional=True,
        missing=np.nan,
        text=_NUMBER,
    ),
    "double": Kind(
        dtype=np.dtype(np.float64),
        take=number("double", np.float64),
        plain=_NUMBERS,
        spelled="a number",
        arrow="float64",
        sample=0.0,
        optional=True,
        missing=np.nan,
        text=_NUMBER,
    ),
    "string": Kind(
        dtype=_OBJECT,
        take=of_type(str, "a text"),
        plain=frozenset({str}),
        spelled="a text",
        arrow="string",
        sample="",
        optional=True,
        missing="",
    ),
    "datetime": Kind(
        dtype=np.dtype("datetime64[ns]"),
        take=instant,
        plain=_NONE,
        spelled=INSTANT,
        arrow="timestamp[ns]",
        sample="2000-01-01T00:00:00",
        optional=True,
        missing=np.datetime64("NaT", "ns"),
    ),
    "binary": Kind(
        dtype=_OBJECT,
        take=binary,
        plain=_NONE,
        spelled="binary data in Base64",
        arrow="binary",
        sample="",
        optional=True,
    ),
    # What lists and objects hold inside, MLflow itself enforces in the process of the model.
    "array": Kind(_OBJECT, of_type(list, "a list"), _NONE, "a list", "", [], optional=True),
    "object": Kind(_OBJECT, of_type(dict, "an object"), _NONE, "an object", "", {}, optional=True),
    "map": Kind(_OBJECT, of_type(dict, "an object"), _NONE, "an object", "", {}, optional=True),
    "any": Kind(_OBJECT, anything, _NONE, "a value", "", "", optional=True),
}


def tensor_dtype(name: str) -> np.dtype[Any]:
    """Texts are held as objects, as onnxruntime takes them. Raises ValueError."""
    try:
        dtype = np.dtype("O" if name == "string" else name)
    except TypeError:
        raise ValueError(f"'{name}' is not a type of tensors") from None
    if dtype.kind not in "biufUO":
        raise ValueError(f"tensors of type '{name}' are not supported")
    return np.dtype("O") if dtype.kind == "U" else dtype


class Element(NamedTuple):
    """How the values of a tensor are taken; `take` and `plain` as in Kind."""

    dtype: np.dtype[Any]
    take: Callable[[Any], Any]
    plain: frozenset[type]


@cache
def element(name: str) -> Element:
    """Raises ValueError for a type that no tensor has."""
    dtype = tensor_dtype(name)
    if dtype.kind == "b":
        return Element(dtype, KINDS["boolean"].take, KINDS["boolean"].plain)
    if dtype.kind == "O":
        return Element(dtype, KINDS["string"].take, KINDS["string"].plain)
    if dtype.kind == "f":
        return Element(dtype, number(name, dtype), frozenset({int, float}))
    limits = np.iinfo(dtype)
    return Element(dtype, whole(name, int(limits.min), int(limits.max)), frozenset({int}))


def param_value(kind: str, shape: tuple[int, ...] | None, value: Any) -> Any:
    """What a param is given, as JSON holds it: dates stay texts, for MLflow to read. Raises ValueError."""
    if value is None:
        return None
    if shape is None:
        taken = KINDS[kind].take(value)
        return value if kind in {"datetime", "binary"} else taken
    if type(value) is not list:
        raise ValueError(f"{shown(value)} is not a list")
    if None in value:
        raise ValueError("a value of the list is missing")
    return [param_value(kind, None, each) for each in value]
