"""What columns hold, as JSON has words for it: the conventions of online replies, for Arrow's types."""

import base64
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import ScoringFailed
from shared.models.json_values import special

JSON: Final = pa.json_()
"""The type of a column whose values have no Arrow type in common: each is JSON text."""

_TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"


def dumps(value: object) -> bytes:
    """NaN and infinity become null, bytes Base64. Raises ScoringFailed for what JSON cannot hold."""
    try:
        return orjson.dumps(value, special, orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as error:
        raise ScoringFailed(f"a value of the output cannot be written as JSON: {error}") from None


def json_column(values: Iterable[Any]) -> pa.Array:
    """`[rows]` of type JSON; what is missing stays so, and is no text that says null. Raises ScoringFailed."""
    texts = [None if value is None else dumps(value).decode() for value in values]
    return pa.ExtensionArray.from_storage(
        JSON, pa.array([None if text == "null" else text for text in texts], pa.string())
    )


def plain(values: pa.Array) -> list[Any]:
    """An entry a value that `dumps` writes. Floats of 16 and 32 bits have all digits of their value, as online."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain(values.storage)
    if pa.types.is_floating(kind):
        return _doubles(values)
    if pa.types.is_integer(kind) and not values.null_count:
        return list(values.to_numpy().tolist())
    if pa.types.is_dictionary(kind):
        shared = [*plain(values.dictionary), None]
        # Indices may be unsigned.
        return [shared[index] for index in values.indices.cast(pa.int64()).fill_null(-1).to_pylist()]
    if pa.types.is_timestamp(kind):
        return list(iso_texts(values).to_pylist())
    if pa.types.is_duration(kind):
        return list(values.cast(pa.int64()).to_pylist())
    if pa.types.is_date(kind) or pa.types.is_time(kind) or pa.types.is_decimal(kind):
        return list(values.cast(pa.string()).to_pylist())
    if is_binary(kind):
        return [None if value is None else base64.b64encode(value).decode() for value in values.to_pylist()]
    if pa.types.is_nested(kind):
        return _nested(values)
    return list(values.to_pylist())


def is_binary(kind: pa.DataType) -> bool:
    return any(
        test(kind)
        for test in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
            pa.types.is_fixed_size_binary,
        )
    )


def iso_texts(values: pa.Array) -> pa.Array:
    """Timestamps in ISO 8601, with as many digits as their unit has; where the type has a time zone, in UTC."""
    if values.type.tz is None:
        return pc.strftime(values, format=_TIME_FORMAT)
    utc = values.cast(pa.timestamp(values.type.unit))
    return pc.strftime(utc, format=f"{_TIME_FORMAT}Z")


def doubles(values: pa.Array) -> pa.Array:
    return values.cast(pa.float64())


def _doubles(values: pa.Array) -> list[Any]:
    return list(doubles(values).fill_null(np.nan).to_numpy().tolist())


def _nested(values: pa.Array) -> list[Any]:
    kind = values.type
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        members = [plain(member) for member in values.flatten()]
        # Without members there would be no rows either.
        rows = zip(*members, strict=True) if members else [()] * len(values)
        valid = values.is_valid().to_pylist()
        return [dict(zip(names, row, strict=True)) if there else None for row, there in zip(rows, valid, strict=True)]
    if pa.types.is_map(kind):
        pairs = plain(values.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))))
        return [None if row is None else {str(pair["key"]): pair["value"] for pair in row} for row in pairs]
    return _lists(values)


def _lists(values: pa.Array) -> list[Any]:
    inner = plain(values.flatten())
    found: list[Any] = []
    start = 0
    for length in pc.list_value_length(values).to_pylist():
        if length is None:
            found.append(None)
        else:
            found.append(inner[start : start + length])
            start += length
    return found
