"""Files of a batch job in memory, and what one planned and read from them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from shared.batch.manifest import InputFile, Span
from shared.batch.reading.plan import Planned, plan_file
from shared.batch.reading.rows import Reading, read_rows
from shared.batch.reading.source import CHUNK_BYTES, Source
from shared.batch.rows import Rows
from shared.endpoints.batch_settings import JobSettings
from shared.models.features import Converter
from shared.models.signature import Signature

LIMIT = 64 * 1024 * 1024


class MemorySource:
    """`calls`: how often it was asked for bytes; `chunk_bytes`: the most that one of its chunks has."""

    def __init__(self, data: bytes, path: str = "inbox/flights/day.csv", chunk_bytes: int = CHUNK_BYTES) -> None:
        self.data = data
        self.path = path
        self.size_bytes = len(data)
        self.calls = 0
        self._chunk_bytes = chunk_bytes

    def read(self, offset: int, length: int) -> bytes:
        self.calls += 1
        return self.data[offset : offset + length]

    def chunks(self, size_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
        size = min(size_bytes, self._chunk_bytes)
        for offset in range(0, self.size_bytes, size):
            yield self.read(offset, size)


class Staging:
    """Takes copies; `names`: under which suffixes."""

    def __init__(self, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.suffixes: list[str] = []
        self._chunk_bytes = chunk_bytes

    def __call__(self, pieces: Iterator[bytes], suffix: str) -> Source:
        data = b"".join(pieces)
        self.suffixes.append(suffix)
        return MemorySource(data, f"staged{suffix}", self._chunk_bytes)


class Plan(NamedTuple):
    planned: Planned
    spans: list[Span]
    staging: Staging
    file: InputFile


def plan(source: MemorySource, signature: Signature, limit: int = LIMIT, etag: str = "1", **settings: Any) -> Plan:
    staging = Staging()
    planned = plan_file(source, JobSettings.model_validate(settings), signature, staging, limit)
    file = InputFile(
        path=source.path, container="inbox", blob=source.path, etag=etag, size_bytes=source.size_bytes,
        format=planned.format, columns=planned.columns,
    )  # fmt: skip
    return Plan(planned, list(planned.spans), staging, file)


def read_all(made: Plan, signature: Signature, **settings: Any) -> list[Rows]:
    """The rows of each span."""
    options = JobSettings.model_validate(settings)
    reading = Reading(signature, Converter(signature), options.csv, options.output_columns)
    return [read_rows(made.planned.source, made.file, span, reading) for span in made.spans]


def rows_of(data: bytes, path: str, signature: Signature, etag: str = "1", **settings: Any) -> list[Rows]:
    """Plans and reads a whole file."""
    return read_all(plan(MemorySource(data, path), signature, etag=etag, **settings), signature, **settings)
