"""Readers who look at outputs all the time and never trust anything but `_SUCCESS` and `latest.json`."""

import io
import json
import threading
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.json as json_lines
import pyarrow.parquet as pq
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

_EVERY_S: Final = 0.5
_ENOUGH_LOOKS: Final = 20


_AHEAD: Final = timedelta(hours=1)


class Broken(Exception):
    """A reader saw a promise that was not kept."""


class Watcher(ABC):
    """`looks`: how often storage was looked at, `complete_looks`: how often the whole was there; `broken`: what was
    wrong, if anything was. A look that storage does not answer is none.
    """

    def __init__(self, container: ContainerClient, name: str) -> None:
        self.name = name
        self.looks = 0
        self.complete_looks = 0
        self.broken: Exception | None = None
        self._container = container
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    @abstractmethod
    def look(self) -> bool:
        """Whether the whole is there. Raises Broken."""

    def _watch(self) -> None:
        while not self._stop.is_set() and self.broken is None:
            try:
                self.complete_looks += self.look()
                self.looks += 1
            except AzureError:
                pass
            except Exception as error:
                self.broken = error
            self._stop.wait(_EVERY_S)


class OutputReader(Watcher):
    """One job's output, from before it is there until a while after it came."""

    def __init__(self, container: ContainerClient, prefix: str) -> None:
        super().__init__(container, f"the reader of {prefix}")
        self._prefix = prefix

    @property
    def reading(self) -> bool:
        return self._thread.is_alive()

    def look(self) -> bool:
        whole = _is_whole(self._container, self._prefix)
        if whole and self.complete_looks >= _ENOUGH_LOOKS:
            self._stop.set()
        return whole


class LatestReader(Watcher):
    """Follows an endpoint's `latest.json`, which only ever moves forward, to outputs that are whole."""

    def __init__(self, container: ContainerClient, endpoint: str) -> None:
        super().__init__(container, f"the follower of {endpoint}/latest.json")
        self._path = f"{endpoint}/latest.json"
        self._last: datetime | None = None

    def look(self) -> bool:
        try:
            latest = json.loads(read(self._container, self._path))
        except ResourceNotFoundError:
            return False
        scored_at = datetime.fromisoformat(latest["scored_at"])
        # What a clock that was ahead has told is written over, once it is known to be wrong.
        if self._last is not None and scored_at < self._last and self._last < datetime.now(UTC) + _AHEAD:
            raise Broken(f"it went back from {self._last} to {scored_at}")
        self._last = scored_at
        if not _is_whole(self._container, latest["output"].partition("/")[2]):
            raise Broken(f"it names {latest['output']}, where no _SUCCESS is")
        return True


def _is_whole(container: ContainerClient, prefix: str) -> bool:
    try:
        container.get_blob_client(f"{prefix}_SUCCESS").get_blob_properties()
    except ResourceNotFoundError:
        return False
    try:
        parts = json.loads(read(container, f"{prefix}manifest.json"))["parts"]
    except ResourceNotFoundError:
        raise Broken("_SUCCESS is there, and manifest.json is not") from None
    sizes = {item.name: item.size for item in container.list_blobs(name_starts_with=prefix)}
    for part in parts:
        if sizes.get(prefix + part["name"]) != part["size_bytes"]:
            raise Broken(f"_SUCCESS is there, and {part['name']} is not there or not complete")
    return True


def read(container: ContainerClient, name: str) -> bytes:
    return bytes(container.get_blob_client(name).download_blob().readall())


class Output:
    """Everything of a finished output: a table in the order of `row`, the rejected rows, and what else lies there."""

    def __init__(self, container: ContainerClient, prefix: str) -> None:
        names = {item.name.removeprefix(prefix) for item in container.list_blobs(name_starts_with=prefix)}
        self.manifest: dict[str, Any] = json.loads(read(container, f"{prefix}manifest.json"))
        parts = [part["name"] for part in self.manifest["parts"]]
        self.unnamed = sorted(names - {*parts, "manifest.json", "rejected.jsonl", "_SUCCESS"})
        tables = [_rows(part, read(container, f"{prefix}{part}")) for part in parts]
        self.table: pa.Table | None = pa.concat_tables(tables).unify_dictionaries().sort_by("row") if tables else None
        lines = read(container, f"{prefix}rejected.jsonl").splitlines() if "rejected.jsonl" in names else []
        self.rejected = sorted((json.loads(line)["row"], json.loads(line)["reason"]) for line in lines)

    def rows(self) -> list[int]:
        """Numbers of all rows, with a prediction or rejected, in order."""
        predicted = [] if self.table is None else self.table["row"].to_pylist()
        return sorted([*predicted, *(row for row, _ in self.rejected)])

    def files(self) -> set[str]:
        return set() if self.table is None else set(self.table["file_name"].unique().to_pylist())

    def differences(self, other: "Output") -> list[str]:
        """What this output has otherwise than `other`; the file's own name may differ."""
        rows, found = self.rows(), []
        if len(set(rows)) != len(rows):
            found.append(f"{len(rows) - len(set(rows))} rows are there more than once")
        if rows != other.rows():
            found.append("the rows are not the same ones")
        elif not _equal(self.table, other.table):
            found.append("some values differ")
        if self.rejected != other.rejected:
            found.append("the rejected rows differ")
        if self.manifest["counts"] != other.manifest["counts"]:
            found.append(f"its manifest counts {self.manifest['counts']}, not {other.manifest['counts']}")
        if self.unnamed:
            found.append(f"its manifest does not name {', '.join(self.unnamed[:3])}")
        return found


def _rows(name: str, data: bytes) -> pa.Table:
    if name.endswith(".csv"):
        return csv.read_csv(io.BytesIO(data))
    if name.endswith(".jsonl"):
        return json_lines.read_json(io.BytesIO(data))
    return pq.read_table(io.BytesIO(data))


def _equal(mine: pa.Table | None, theirs: pa.Table | None) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    return bool(mine.drop_columns(["file_name"]).equals(theirs.drop_columns(["file_name"])))
