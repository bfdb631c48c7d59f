"""What is dropped: pieces of the real flights in many sizes, and one file that no job can score."""

import gzip
import random
from typing import Final, NamedTuple

import pandas as pd

from samples.flights import data
from samples.flights.local import BY_CARRIER, ENDPOINT


class Content(NamedTuple):
    """`weight`: how often it is dropped beside the others."""

    name: str
    endpoint: str
    suffix: str
    weight: int
    data: bytes
    rows: int


class _Size(NamedTuple):
    name: str
    rows: int
    suffix: str
    weight: int
    endpoint: str = ENDPOINT


_SIZES: Final = (
    _Size("one", 1, ".csv", 6),
    _Size("forty", 40, ".csv.gz", 6),
    _Size("hundreds", 700, ".csv", 6),
    _Size("thousands", 6_000, ".csv.gz", 6),
    _Size("carriers", 9_000, ".csv", 3, BY_CARRIER),
    _Size("many", 20_000, ".csv", 3),
    _Size("most", 100_000, ".csv.gz", 1),
)


def make(chance: random.Random) -> list[Content]:
    """Each of a size of its own, from a place of its own in the year: rows of one are not those of another."""
    year = data.load()
    made = []
    for size in _SIZES:
        first = chance.randrange(len(year) - size.rows)
        text = _csv(year.iloc[first : first + size.rows])
        packed = gzip.compress(text, mtime=0) if size.suffix.endswith(".gz") else text
        made.append(Content(size.name, size.endpoint, size.suffix, size.weight, packed, size.rows))
    torn = gzip.compress(_csv(year.iloc[:5_000]), mtime=0)
    made.append(Content("torn", ENDPOINT, ".csv.gz", 1, torn[: len(torn) // 2], 0))
    return made


def _csv(frame: pd.DataFrame) -> bytes:
    columns = [*data.IDENTIFYING, *data.INPUTS]
    return bytes(frame[columns].to_csv(index=False, lineterminator="\n").encode())
