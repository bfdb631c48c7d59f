"""Scoring the same bytes again is done from memory; what it reads of storage is read all the same."""

from contextlib import ExitStack
from typing import Any, Final
from unittest.mock import patch

import pyarrow as pa

from shared.adapters.memory import MemoryAccounts, MemoryBlobs
from shared.batch.manifest import Manifest, MiniBatch, PlanPage
from shared.batch.pinned import PinnedSource
from shared.batch.ports import BatchPorts
from shared.batch.scored import Scored, score_table
from shared.batch.writing.parts import write_part
from shared.ports import Container

_scored: Final[dict[object, Scored]] = {}
_parts: Final[dict[tuple[int, str], tuple[pa.Table, bytes]]] = {}


def enter(stack: ExitStack) -> None:
    stack.enter_context(patch("shared.batch.mini_batch.score_table", _score_table))
    stack.enter_context(patch("shared.batch.writing.parts.write_part", _write_part))


def _score_table(plan: Manifest, page: PlanPage, mini_batch: MiniBatch, ports: BatchPorts) -> Scored:
    """For a CSV, which is read by one operation."""
    (span,) = mini_batch.spans
    file = page.files[span.file]
    data = PinnedSource(ports.store, file.place, file.etag, file.size_bytes, file.path).read(span.offset, span.length)
    key = (data, file.path, file.columns, span, plan.settings.model_dump_json(), plan.model)
    if key not in _scored:
        _scored[key] = score_table(plan, page, mini_batch, _beside(ports, file.blob, span.offset, data, file.etag))
    return _scored[key]


def _beside(ports: BatchPorts, name: str, offset: int, data: bytes, etag: str) -> BatchPorts:
    """Ports that nobody else sees, with nothing in their store but these bytes."""
    store = _Only(name, offset, data, etag)
    return ports._replace(store=store, accounts=MemoryAccounts(store))


class _Only(MemoryBlobs):
    def __init__(self, name: str, offset: int, data: bytes, etag: str) -> None:
        super().__init__()
        super().write(Container.INBOX, name, b" " * offset + data)
        self._blobs[Container.INBOX, name].etag = etag


def _write_part(table: pa.Table, form: Any) -> bytes:
    key = (id(table), form)
    if key not in _parts:
        # The table is kept, too, so that no other one gets its id.
        _parts[key] = table, write_part(table, form)
    return _parts[key][1]
