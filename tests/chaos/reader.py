"""A reader who looks at an output prefix all the time and never trusts anything but `_SUCCESS`."""

import io
import json
import threading
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient


class Broken(Exception):
    """The reader saw `_SUCCESS`, and something it promises was not there."""


class Reader:
    """`looks`: how often the prefix was looked at; `broken`: what was wrong, if anything was."""

    def __init__(self, container: ContainerClient, prefix: str) -> None:
        self.looks = 0
        self.complete_looks = 0
        self.broken: Exception | None = None
        self._container = container
        self._prefix = prefix
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _watch(self) -> None:
        while not self._stop.is_set() and self.broken is None:
            try:
                self.complete_looks += self._look()
                self.looks += 1
            except Exception as error:
                self.broken = error

    def _look(self) -> bool:
        try:
            self._container.get_blob_client(f"{self._prefix}_SUCCESS").get_blob_properties()
        except ResourceNotFoundError:
            return False
        try:
            parts = json.loads(read(self._container, f"{self._prefix}manifest.json"))["parts"]
        except ResourceNotFoundError:
            raise Broken("_SUCCESS is there, and manifest.json is not") from None
        sizes = {item.name: item.size for item in self._container.list_blobs(name_starts_with=self._prefix)}
        for part in parts:
            if sizes.get(self._prefix + part["name"]) != part["size_bytes"]:
                raise Broken(f"_SUCCESS is there, and {part['name']} is not there or not complete")
        return True


def read(container: ContainerClient, name: str) -> bytes:
    return bytes(container.get_blob_client(name).download_blob().readall())


class Output:
    """Everything of a finished output: a table in the order of `row`, and the rejected rows."""

    def __init__(self, container: ContainerClient, prefix: str) -> None:
        self.manifest: dict[str, Any] = json.loads(read(container, f"{prefix}manifest.json"))
        tables = [
            pq.read_table(io.BytesIO(read(container, f"{prefix}{part['name']}"))) for part in self.manifest["parts"]
        ]
        self.table: pa.Table = pa.concat_tables(tables).unify_dictionaries().sort_by("row")
        lines = read(container, f"{prefix}rejected.jsonl").splitlines()
        self.rejected = sorted((json.loads(line)["row"], json.loads(line)["reason"]) for line in lines)

    def differences(self, other: "Output") -> list[str]:
        """What this output has otherwise than `other`; the file's own name may differ."""
        mine, theirs = self.table.drop_columns(["file_name"]), other.table.drop_columns(["file_name"])
        rows = mine["row"].to_pylist()
        found = []
        if len(set(rows)) != len(rows):
            found.append(f"{len(rows) - len(set(rows))} rows are there more than once")
        if rows != theirs["row"].to_pylist():
            found.append("the rows are not the same ones")
        elif not mine.equals(theirs):
            found.append("some values differ")
        if self.rejected != other.rejected:
            found.append("the rejected rows differ")
        return found
