"""A table of rows that a conversion is compared on."""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from shared.errors import MalformedRequest

MOST_ROWS: Final = 100_000


class Sample(NamedTuple):
    """`rows`: a DataFrame of at most MOST_ROWS; `is_cut`: the file holds more."""

    file: str
    rows: Any
    is_cut: bool


def read(path: Path) -> Sample:
    """CSV, Parquet or JSON Lines, by the file's name. Raises MalformedRequest."""
    import pyarrow as pa

    if path.suffix not in _READERS:
        raise MalformedRequest(f"{path.name} is no sample: give a table in a file named {', '.join(_READERS)}")
    try:
        rows = _READERS[path.suffix](path)
    except OSError as error:
        raise MalformedRequest(f"{path.name} cannot be read: {error.strerror or 'it is damaged'}") from None
    except (ValueError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:200]
        raise MalformedRequest(f"{path.name} cannot be read as {path.suffix.removeprefix('.')}: {said}") from None
    if not len(rows):
        raise MalformedRequest(f"{path.name} holds no rows to compare a conversion on")
    return Sample(path.name, rows.head(MOST_ROWS), len(rows) > MOST_ROWS)


def _csv(path: Path) -> Any:
    import pandas as pd

    return pd.read_csv(path, nrows=MOST_ROWS + 1)


def _json_lines(path: Path) -> Any:
    """Values stay what they are: pandas' own reader makes numbers and times of texts."""
    import pandas as pd

    with path.open("rb") as file:
        rows = [orjson.loads(line) for line in islice(file, MOST_ROWS + 1) if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("each line must be an object")
    return pd.DataFrame(rows)


def _parquet(path: Path) -> Any:
    """No more of it than is used."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        batches, count = [], 0
        for batch in file.iter_batches():
            batches.append(batch)
            count += batch.num_rows
            if count > MOST_ROWS:
                break
        return pa.Table.from_batches(batches, file.schema_arrow).to_pandas()


_READERS: Final[Mapping[str, Callable[[Path], Any]]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
