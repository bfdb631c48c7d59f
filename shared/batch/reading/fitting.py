"""Rows to what a model takes, all at once where they fit; else those that do not are found by bisecting."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from shared.errors import SchemaMismatch
from shared.models.coercion import tensor_dtype
from shared.models.signature import Features, Signature

type Numbers = np.ndarray[Any, np.dtype[np.int64]]
# How the conversion of a request names a value of its first row.
_FIRST: Final = re.compile(r"column '(.*)', row 0: (.*)", re.DOTALL)


class Fitted(NamedTuple):
    """`features` hold the rows `kept`, by their position; `reasons`: why the others do not fit."""

    features: Features
    kept: Numbers
    reasons: dict[int, str]


class _Piece(NamedTuple):
    """Rows that fit, and the shape that each has."""

    first: int
    last: int
    shape: list[tuple[int, ...]]


def fit(rows: Sequence[int], convert: Callable[[Sequence[int]], Features], signature: Signature) -> Fitted:
    """`convert` takes positions, in their order, and raises SchemaMismatch where one of these rows does not fit."""
    if not rows:
        return Fitted(nothing(signature), np.empty(0, np.int64), {})
    try:
        return Fitted(convert(rows), np.array(rows, np.int64), {})
    except SchemaMismatch:
        pieces, reasons = _bisected(rows, convert)
    kept: list[int] = []
    for piece in pieces:
        found = rows[piece.first : piece.last]
        if piece.shape == pieces[0].shape:
            kept.extend(found)
        else:
            reasons |= dict.fromkeys(
                found, f"its values have the shape {piece.shape}, those of the rows before {pieces[0].shape}"
            )
    features = convert(kept) if kept else nothing(signature)
    return Fitted(features, np.array(kept, np.int64), reasons)


def _bisected(rows: Sequence[int], convert: Callable[[Sequence[int]], Features]) -> tuple[list[_Piece], dict[int, str]]:
    """In the order of the rows."""
    pieces: list[_Piece] = []
    reasons: dict[int, str] = {}
    middle = len(rows) // 2
    waiting = [(middle, len(rows)), (0, middle)] if middle else [(0, 1)]
    while waiting:
        first, last = waiting.pop()
        try:
            features = convert(rows[first:last])
            pieces.append(_Piece(first, last, [array.shape[1:] for array in features.values()]))
        except SchemaMismatch as error:
            if last - first == 1:
                reasons[rows[first]] = _FIRST.sub(r"\1: \2", error.message)
            else:
                middle = (first + last) // 2
                waiting += [(middle, last), (first, middle)]
    return pieces, reasons


def nothing(signature: Signature) -> Features:
    """No rows."""
    return {column.name: np.empty(0, column.dtype) for column in signature.columns} | {
        tensor.name: np.empty([0, *(max(size, 0) for size in tensor.shape[1:])], tensor_dtype(tensor.dtype))
        for tensor in signature.tensors
    }
