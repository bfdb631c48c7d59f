"""Rows of JSON Lines: a line, a row. One that is no JSON or does not fit is set aside alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa

from shared.batch.reading import carried
from shared.batch.reading.fitting import fit
from shared.batch.reading.found import Found
from shared.endpoints.batch_settings import ALL_COLUMNS
from shared.errors import UnreadableInput
from shared.models.features import Converter
from shared.models.signature import Features, Signature

MAX_DEPTH: Final = 64
# Names that the objects of one mini-batch may have together, where all of them count.
MAX_NAMES: Final = 1000
_NOT_AN_OBJECT: Final = "the line is not an object of named values"


def read(data: bytes, converter: Converter, output_columns: Sequence[str], rows: int) -> Found:
    """Raises UnreadableInput when these are not the lines that were planned."""
    lines = [line for line in data.split(b"\n") if line and line != b"\r"]
    if len(lines) != rows:
        raise UnreadableInput("the lines are not those that were there when the job was planned: start it again")
    signature = converter.signature
    values, reasons = _parsed(lines)
    names: dict[str, None] = {}
    if ALL_COLUMNS in output_columns or not (signature.columns or signature.tensors):
        names = _names(values, reasons)
    single = signature.tensors[0] if len(signature.tensors) == 1 else None
    entries = values if single is None else _entries(values, single.name)
    if single is None:
        reasons |= {row: _NOT_AN_OBJECT for row, value in enumerate(values) if type(value) is not dict} | reasons
    plain = b"true" not in data and b"false" not in data

    def convert(at: Sequence[int]) -> Features:
        picked = [entries[row] for row in at]
        if single is None:
            return converter.records(picked)
        return converter.tensors(picked, are_plain=plain)

    fitted = fit([row for row in range(rows) if row not in reasons], convert, signature)
    reasons |= fitted.reasons
    chosen = names if ALL_COLUMNS in output_columns else dict.fromkeys(output_columns)
    kept = [values[row] for row in fitted.kept.tolist()]
    return Found(fitted.features, fitted.kept, _carried(kept, chosen, fitted.features, signature), reasons)


def _entries(values: Sequence[Any], name: str) -> list[Any]:
    """What each line gives the one tensor: the value of that name, or all of the line. None never fits."""
    return [value.get(name) if type(value) is dict else value for value in values]


def _names(values: Sequence[Any], reasons: dict[int, str]) -> dict[str, None]:
    """Of all objects, in the order of their coming; one that brings too many others is set aside."""
    names: dict[str, None] = {}
    for row, value in enumerate(values):
        if type(value) is dict and not value.keys() <= names.keys():
            if len(value.keys() | names.keys()) > MAX_NAMES:
                reasons[row] = f"the objects have more than {MAX_NAMES} different names together"
            else:
                names |= dict.fromkeys(value)
    return names


def _carried(
    kept: Sequence[Any], chosen: Mapping[str, None], features: Features, signature: Signature
) -> dict[str, pa.Array]:
    known = carried.typed(signature)
    return {
        name: carried.as_taken(known[name], features[name])
        if name in known
        else carried.as_text(value.get(name) if type(value) is dict else None for value in kept)
        for name in chosen
    }


def _parsed(lines: Sequence[bytes]) -> tuple[list[Any], dict[int, str]]:
    values: list[Any] = []
    reasons: dict[int, str] = {}
    for row, line in enumerate(lines):
        value = None
        try:
            value = orjson.loads(line)
            if line.count(b"[") + line.count(b"{") > MAX_DEPTH and _is_deep(value):
                value = None
                reasons[row] = f"the line is nested deeper than {MAX_DEPTH} levels"
        except orjson.JSONDecodeError as error:
            reasons[row] = f"the line is not JSON: {error}"
        values.append(value)
    return values, reasons


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            each
            for parent in level
            for each in (parent.values() if type(parent) is dict else parent)
            if type(each) in (dict, list)
        ]
        if not level:
            return False
    return True
