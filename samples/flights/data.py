"""The flights that left New York in 2013, each with its weather and its aircraft, as tables and as CSV files.

The question is asked when the aircraft leaves the gate: will it arrive more than 15 minutes late? So the
departure delay is an input, and nothing is that becomes known later (arrival time, air time).
"""

import gzip
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from samples.flights.sources import FLIGHTS, PLANES, WEATHER, data_file

LATE_MIN: Final = 15
"""More minutes than this and a flight is late, at departure as at arrival."""

STRINGS: Final = ("carrier", "origin", "dest")
NUMBERS: Final = (
    "dep_delay",  # minutes, negative if early; missing: the flight never left
    "distance",  # miles
    "hour",  # of the scheduled departure, local time
    "weekday",  # 1 Monday to 7 Sunday
    "temp",  # degrees Fahrenheit; this and the next three at the origin, in the hour of the schedule
    "wind_speed",  # miles per hour
    "precip",  # inches
    "visib",  # miles
    "plane_year",  # year in which the aircraft was made
    "seats",
)
OPTIONAL: Final = frozenset({"temp", "wind_speed", "precip", "visib", "plane_year", "seats"})
"""Inputs that may be missing: an hour without weather records, an aircraft not in the register."""

INPUTS: Final = STRINGS + NUMBERS
"""What the models are asked. No month: January to September would teach nothing about October to December."""

IDENTIFYING: Final = ("year", "month", "day", "flight", "tailnum", "sched_dep_time")
"""What tells a reader of the CSV which flight a row is; the service ignores these."""

LABEL: Final = "arrived_late"


def load() -> pd.DataFrame:
    """All 336,776 flights in the file's order: identifying columns, inputs, and the label.

    The label is a nullable boolean, missing where the flight never left or no arrival is known.
    """
    flights = pd.read_csv(data_file(FLIGHTS))
    weather = pd.read_csv(data_file(WEATHER), usecols=["origin", "time_hour", "temp", "wind_speed", "precip", "visib"])
    planes = pd.read_csv(data_file(PLANES), usecols=["tailnum", "year", "seats"])
    joined = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one").merge(
        planes.rename(columns={"year": "plane_year"}), on="tailnum", how="left", validate="many_to_one"
    )
    joined["weekday"] = pd.to_datetime(joined[["year", "month", "day"]]).dt.day_of_week + 1
    joined[LABEL] = (joined["arr_delay"] > LATE_MIN).astype("boolean").mask(joined["arr_delay"].isna())
    return joined[[*IDENTIFYING, *INPUTS, LABEL]]


def month(frame: pd.DataFrame, n: int) -> pd.DataFrame:
    """The flights of month `n` (1 to 12)."""
    return frame[frame["month"] == n]


def never_left(frame: pd.DataFrame) -> pd.DataFrame:
    """The flights without a departure; a service that asks for `dep_delay` rejects them."""
    return frame[frame["dep_delay"].isna()]


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """The flights of which it is known whether they arrived late; only these train and test."""
    return frame[frame[LABEL].notna()]


def inputs(frame: pd.DataFrame) -> pd.DataFrame:
    """The models' input columns, `[rows, 13]`: Python strings, and float32 numbers with NaN for missing.

    float32 before scikit-learn sees them: ONNX computes in float32, and a number that was rounded only on one
    side could fall on the other side of a tree's split.
    """
    return frame[list(INPUTS)].astype(dict.fromkeys(STRINGS, object) | dict.fromkeys(NUMBERS, np.float32))


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """What a caller drops: a header, identifying and input columns, missing values as empty fields, no label.

    Gzipped if `path` ends in .gz; the same rows always give the same bytes.
    """
    text = frame[[*IDENTIFYING, *INPUTS]].to_csv(index=False, lineterminator="\n").encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
