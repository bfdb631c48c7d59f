"""Ground truth: what turned out to be right, told by callers after the fact, and joined to what was predicted."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import uuid4

from pydantic import Field, FiniteFloat, ValidationError, field_validator

from shared.documents import Document
from shared.monitoring.captured import Record, contents, files, is_sampled
from shared.monitoring.performance import Pair
from shared.monitoring.profile import MOST_CHARS
from shared.monitoring.settings import Monitoring
from shared.monitoring.windows import Window
from shared.ports import BlobStore, Container

MOST_TRUTHS: Final = 10_000
# Of one window.
_MOST_KEPT: Final = 200_000
_MOST_FILES: Final = 2_000
# No deployment is called so.
_FOLDER: Final = "_feedback"

# What a prediction can be.
type Integer = Annotated[int, Field(ge=-(2**63), lt=2**64)]


class Truth(Document):
    """Of one row of one request, by the `x-request-id` of its reply. `row`: from 0."""

    request_id: str = Field(min_length=1, max_length=100)
    row: int = Field(default=0, ge=0)
    ground_truth: bool | Integer | FiniteFloat | Annotated[str, Field(max_length=MOST_CHARS)]


class Feedback(Document):
    """What a caller tells at once."""

    feedback: tuple[Truth, ...] = Field(max_length=MOST_TRUTHS, fail_fast=True)

    @field_validator("feedback")
    @classmethod
    def _some(cls, told: tuple[Truth, ...]) -> tuple[Truth, ...]:
        """Not by a least length: pydantic would miss it, too, where the first row is wrong."""
        if not told:
            raise ValueError("tell at least one row")
        return told


def save(store: BlobStore, endpoint: str, settings: Monitoring, told: Feedback, now: datetime) -> int:
    """Keeps what is of use, the truths of requests that were kept, and returns how many."""
    kept = [each for each in told.feedback if is_sampled(each.request_id, settings.sampling_rate)]
    if not kept:
        return 0
    data = b"\n".join(each.model_dump_json().encode() for each in kept)
    # In the order of time, so that of two truths the last one counts.
    name = f"{endpoint}/{_FOLDER}/{now.astimezone(UTC):%Y/%m/%d/%H/%M%S-%f}-{uuid4().hex}.jsonl"
    store.write(Container.CAPTURE, name, data)
    return len(kept)


def read(store: BlobStore, endpoint: str, window: Window) -> dict[tuple[str, int], Truth]:
    """By request and row, what came in a window; of what was told twice the last, and of very many the newest."""
    found: dict[tuple[str, int], Truth] = {}
    newest_first = sorted(files(store, f"{endpoint}/{_FOLDER}", window), reverse=True)
    for _, data in contents(store, newest_first[:_MOST_FILES]):
        for line in reversed(data.splitlines()):
            with suppress(ValidationError):
                truth = Truth.model_validate_json(line)
                found.setdefault((truth.request_id, truth.row), truth)
        if len(found) >= _MOST_KEPT:
            break
    return found


def pairs(records: Iterable[Record], truths: dict[tuple[str, int], Truth], output: str) -> Iterator[Pair]:
    """What was predicted beside what was right, of the rows that both are known of."""
    for record in records:
        for position, predicted in enumerate(record.outputs.get(output, ())):
            truth = truths.get((record.request_id, position * record.step))
            if truth is not None:
                yield Pair(predicted, truth.ground_truth)
