"""Tables whose columns are all of one type, held as one matrix: a model that takes one matrix need not stack them."""

from collections.abc import Sequence

import numpy as np

from shared.models.signature import Array, Features


class MatrixFeatures(dict[str, Array]):
    """Columns that are views of `matrix`, `[rows, columns]`, in the order of the names. Never changed in place."""

    __slots__ = ("matrix",)

    matrix: Array


def columns_of(names: Sequence[str], matrix: Array) -> MatrixFeatures:
    # An __init__ of our own would cost a tenth of all that a row of 30 numbers costs.
    features = MatrixFeatures(zip(names, matrix.T, strict=False))
    features.matrix = matrix
    return features


def joined(parts: Sequence[Features]) -> Features:
    """The rows of several tables of one signature, one after the other; a matrix stays one."""
    first = parts[0]
    if isinstance(first, MatrixFeatures):
        matrices = [part.matrix for part in parts if isinstance(part, MatrixFeatures)]
        if len(matrices) == len(parts):
            return columns_of(list(first), np.concatenate(matrices))
    return {name: np.concatenate([part[name] for part in parts]) for name in first}
