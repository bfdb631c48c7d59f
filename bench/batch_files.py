"""The tables that the batch benchmarks score."""

import shutil
from pathlib import Path
from typing import Final, NamedTuple

YEARS: Final = 10
MINI_BATCH: Final = 100_000
HEAVY_ROWS: Final = 20_000
HEAVY_MINI_BATCHES: Final = 6


class Files(NamedTuple):
    """`csv`, `parquet`: the year of flights ten times over, in `pieces` as many rows a file as a mini-batch has;
    `year`: once, `floats`: with a point in every number, as MLflow wants them; `thousand` and `one`: so many of its
    rows; `tumours`: rows for a model that takes long.
    """

    csv: Path
    parquet: Path
    pieces: Path
    year: Path
    floats: Path
    thousand: Path
    one: Path
    tumours: Path


def make(folder: Path) -> Files:
    """Takes half a minute."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files = Files(
        csv=folder / "flights.csv",
        parquet=folder / "flights.parquet",
        pieces=folder / "pieces",
        year=folder / "year.csv",
        floats=folder / "floats.csv",
        thousand=folder / "thousand.csv",
        one=folder / "one.csv",
        tumours=folder / "tumours.csv",
    )
    _write_flights(files)
    _write_parquet(files)
    _write_tumours(files.tumours)
    return files


def _write_flights(files: Files) -> None:
    from samples.flights import data  # pandas

    frame = data.load()
    data.write_csv(files.year, frame)
    frame[[*data.INPUTS]].astype(dict.fromkeys(data.NUMBERS, float)).to_csv(files.floats, index=False)
    names, *rows = files.year.read_bytes().splitlines(keepends=True)
    files.thousand.write_bytes(b"".join([names, *rows[:1000]]))
    files.one.write_bytes(names + rows[0])
    ten = rows * YEARS
    files.csv.write_bytes(b"".join([names, *ten]))
    files.pieces.mkdir()
    for number, first in enumerate(range(0, len(ten), MINI_BATCH)):
        piece = files.pieces / f"piece-{number:03}.csv"
        piece.write_bytes(b"".join([names, *ten[first : first + MINI_BATCH]]))


def _write_parquet(files: Files) -> None:
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    pq.write_table(pacsv.read_csv(files.csv), files.parquet, row_group_size=MINI_BATCH)


def _write_tumours(path: Path) -> None:
    from bench.models import COLUMNS, rows

    known = [",".join(map(str, row)) + "\n" for row in rows(500)]
    times = HEAVY_ROWS * HEAVY_MINI_BATCHES // len(known)
    path.write_text(",".join(COLUMNS) + "\n" + "".join(known) * times)
