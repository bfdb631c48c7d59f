"""Requests and their answers as they are kept: one line of JSON each, in files by hour, and read again by window.

The folders are those of Azure ML's data collector: `{endpoint}/{deployment}/{yyyy}/{MM}/{dd}/{HH}/`.
"""

import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import batched, islice
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from pydantic import ValidationError

from shared.documents import Document
from shared.monitoring.profile import MOST_CHARS, MOST_FEATURES, Value
from shared.monitoring.settings import Source
from shared.monitoring.windows import Window
from shared.ports import BlobStore, Container

_log = logging.getLogger(__name__)

type Arrays = Mapping[str, np.ndarray[Any, Any]]

# Of one request: so many say what it looks like, no caller fills the window alone, and others do not wait long for it.
# Of a mini-batch, which nobody waits for, more.
_MOST_ROWS: Final[Mapping[Source, int]] = {"online": 100, "batch": 500}
_MOST_VALUES: Final[Mapping[Source, int]] = {"online": 5_000, "batch": 50_000}
# Of one window.
_MOST_FILES: Final = 500
_MOST_BYTES: Final = 64 * 1024 * 1024
_READ_AT_ONCE: Final = 8
# A longer number is no number of Python's own.
_DOUBLE_BYTES: Final = 8


class Answer(NamedTuple):
    """Of one request, or of a mini-batch: who answered, with what. `model`: name/version."""

    endpoint: str
    deployment: str
    request_id: str
    model: str
    inputs: Arrays
    outputs: Arrays
    source: Source = "online"


class Record(Document):
    """One request that was answered. `step`: every so manieth of its rows is here; `inputs` and `outputs`: `[rows]`."""

    request_id: str
    at: datetime
    model: str
    step: int
    inputs: dict[str, list[Value]]
    outputs: dict[str, list[Value]]


class Kept(NamedTuple):
    """A line, and in which folder it belongs."""

    folder: str
    line: bytes


def is_sampled(request_id: str, rate: float) -> bool:
    """The same for the same request, so that its ground truth is known to be of use before it is kept."""
    return rate >= 1 or zlib.crc32(request_id.encode()) < rate * 2**32


def keep(answer: Answer, at: datetime) -> Kept:
    """Columns of numbers, texts and truth values alone, `[rows]` each: a tensor has no features to compare."""
    asked, answered = _columns(answer.inputs), _columns(answer.outputs)
    columns = [*asked.values(), *answered.values()]
    rows = max(map(len, columns), default=0)
    most = min(_MOST_ROWS[answer.source], _MOST_VALUES[answer.source] // max(1, len(columns)))
    step = max(1, -(-rows // most))
    record = {
        "request_id": answer.request_id,
        "at": at,
        "model": answer.model,
        "step": step,
        "inputs": _sampled(asked, step),
        "outputs": _sampled(answered, step),
    }
    return Kept(folder(answer.endpoint, answer.deployment, at), orjson.dumps(record))


def folder(endpoint: str, deployment: str, at: datetime) -> str:
    """With a slash at its end."""
    return f"{endpoint}/{deployment}/{at.astimezone(UTC):%Y/%m/%d/%H}/"


def read(store: BlobStore, endpoint: str, deployment: str, window: Window) -> Iterator[Record]:
    """Those of a window, or where they are very many some from all of it. Lines that cannot be read are left out."""
    size_bytes = 0
    for name, data in contents(store, _chosen(files(store, f"{endpoint}/{deployment}", window))):
        yield from (record for record in _parsed(data, name) if window.holds(record.at))
        size_bytes += len(data)
        if size_bytes > _MOST_BYTES:
            return


def contents(store: BlobStore, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Of many small files: some are read at once, no more than are asked for; those that are gone are left out."""
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        for some in batched(names, _READ_AT_ONCE, strict=False):
            blobs = pool.map(lambda name: store.read(Container.CAPTURE, name), some)
            yield from ((name, blob.data) for name, blob in zip(some, blobs, strict=True) if blob is not None)


def files(store: BlobStore, place: str, window: Window) -> Iterator[str]:
    """Names of those in the hours of a window. `place`: {endpoint}/{deployment}."""
    first, end = (f"{place}/{at:%Y/%m/%d/%H}/" for at in window)
    for day in window.days():
        for item in store.list(Container.CAPTURE, f"{place}/{day:%Y/%m/%d}/"):
            if first <= item.name < end:
                yield item.name


def _chosen(names: Iterable[str]) -> list[str]:
    """In the order of what is chance in them: whoever stops early has seen a bit of all hours."""
    return sorted(names, key=lambda name: name.rpartition("/")[2])[:_MOST_FILES]


def _parsed(data: bytes, name: str) -> Iterator[Record]:
    broken = 0
    for line in data.splitlines():
        try:
            yield Record.model_validate_json(line)
        except ValidationError:
            broken += 1
    if broken:
        _log.warning("%s/%s has %d lines that cannot be read", Container.CAPTURE, name, broken)


def _columns(arrays: Arrays) -> Arrays:
    """Of very many the first ones, as a profile has them."""
    columns = (each for each in arrays.items() if each[1].ndim == 1 and each[1].dtype.kind in "biufOU")
    return dict(islice(columns, MOST_FEATURES))


def _sampled(columns: Arrays, step: int) -> dict[str, list[Value]]:
    found = ((name, _values(array if step == 1 else array[::step])) for name, array in columns.items())
    return {name: values for name, values in found if values is not None}


def _values(array: np.ndarray[Any, Any]) -> list[Value] | None:
    """None where there is something else among them."""
    if array.dtype.kind in "biuf":
        plain = array if array.dtype.itemsize <= _DOUBLE_BYTES else array.astype(np.float64)
        values: list[Value] = plain.tolist()
        return values
    try:
        return [_value(each) for each in array.tolist()]
    except (TypeError, OverflowError):
        return None


def _value(found: Any) -> Value:
    """As JSON can hold it: without half of a surrogate pair, and of integers as exactly as 64 bits are."""
    value = found.item() if isinstance(found, np.generic) else found
    if isinstance(value, str):
        return value[:MOST_CHARS].encode(errors="replace").decode()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return value
    if isinstance(value, (int, float)):
        return float(value)
    raise TypeError
