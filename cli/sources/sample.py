"""Tables that people name: rows to compare with, or to tell."""

from collections.abc import Callable, Collection, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from shared.errors import MalformedRequest

MOST_ROWS: Final = 100_000


class Sample(NamedTuple):
    """`rows`: a DataFrame of as many as were asked for at most; `is_cut`: the file holds more."""

    file: str
    rows: Any
    is_cut: bool


def read(path: Path, most: int | None = None, texts: Collection[str] = ()) -> Sample:
    """CSV, Parquet or JSON Lines, by the file's name. `most`: rows, MOST_ROWS without. `texts`: columns of a CSV whose
    values are texts, whatever they look like. Raises MalformedRequest.
    """
    import pyarrow as pa

    check(path)
    limit = MOST_ROWS if most is None else most
    try:
        rows = _READERS[path.suffix](path, limit + 1, texts)
        if rows.columns.has_duplicates:
            raise ValueError("two of its columns have the same name")
    except OSError as error:
        raise _unreadable(path, error) from None
    except (ValueError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:200]
        raise MalformedRequest(f"{path.name} cannot be read as {path.suffix.removeprefix('.')}: {said}") from None
    if not len(rows):
        raise MalformedRequest(f"{path.name} holds no rows")
    return Sample(path.name, rows.head(limit), len(rows) > limit)


def check(path: Path) -> None:
    """Whether it is there, and named as a table is: nothing of it is read. Raises MalformedRequest."""
    if path.suffix not in _READERS:
        raise MalformedRequest(f"{path.name} is no table: give one in a file named {', '.join(_READERS)}")
    try:
        path.open("rb").close()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> MalformedRequest:
    return MalformedRequest(f"{path.name} cannot be read: {error.strerror or 'it is damaged'}")


def _csv(path: Path, most: int, texts: Collection[str]) -> Any:
    """Of texts pandas would make numbers, and of such as NA missing values."""
    import pandas as pd

    rows = pd.read_csv(path, nrows=most)
    if held := [name for name in rows if name in texts]:
        rows[held] = pd.read_csv(path, nrows=most, usecols=held, dtype=str, keep_default_na=False)
    return rows


def _json_lines(path: Path, most: int, texts: Collection[str]) -> Any:
    """Values stay what they are: pandas' own reader makes numbers and times of texts."""
    import pandas as pd

    with path.open("rb") as file:
        rows = [orjson.loads(line) for line in islice(file, most) if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("each line must be an object")
    return pd.DataFrame(rows)


def _parquet(path: Path, most: int, texts: Collection[str]) -> Any:
    """No more of it than is used."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        batches, count = [], 0
        for batch in file.iter_batches():
            batches.append(batch)
            count += batch.num_rows
            if count >= most:
                break
        return pa.Table.from_batches(batches, file.schema_arrow).to_pandas()


_READERS: Final[Mapping[str, Callable[[Path, int, Collection[str]], Any]]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
