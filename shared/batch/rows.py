"""The rows of a mini-batch on their way from a file to a model, and what became of each."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from shared.models.signature import Features

type Numbers = np.ndarray[Any, np.dtype[np.int64]]


class Rejected(NamedTuple):
    """`path`: of the file, as its caller knows it; `row`: number of the row in that file, from 0."""

    path: str
    row: int
    reason: str


class Rows(NamedTuple):
    """The rows that a model can take, and the others.

    `numbers`: row numbers in their files; `paths`: of their files, one for all rows or one for each; `carried`: input
    columns that go into the output, one entry a row.
    """

    features: Features
    numbers: Numbers
    paths: tuple[str, ...]
    carried: Mapping[str, pa.Array]
    rejected: list[Rejected]

    def path(self, row: int) -> str:
        return self.paths[row if len(self.paths) > 1 else 0]

    def take(self, kept: Numbers) -> "Rows":
        """Some of the rows, by their position; what was rejected before stays so."""
        return Rows(
            {name: array[kept] for name, array in self.features.items()},
            self.numbers[kept],
            tuple(self.paths[row] for row in kept) if len(self.paths) > 1 else self.paths,
            {name: array.take(pa.array(kept)) for name, array in self.carried.items()},
            self.rejected,
        )
