"""How many rejected rows a job may have before it fails."""

from collections.abc import Iterable

from shared.batch.job import Job
from shared.batch.ledger import Entry, Tally
from shared.batch.manifest import Manifest
from shared.errors import ErrorThresholdExceeded
from shared.ports import BlobStore, Container


def check_threshold(store: BlobStore, job: Job, plan: Manifest, done: Tally, entries: Iterable[Entry]) -> None:
    """Of the rows that are done by now. Raises ErrorThresholdExceeded, with the first of them.

    A retry may allow more than the plan did.
    """
    asked = job.overrides.error_threshold
    threshold = plan.settings.error_threshold if asked is None else asked
    if not _is_exceeded(threshold, done.rejected, plan.rows):
        return
    first = next((entry.rejected_part for entry in entries if entry.rejected_part), "")
    blob = store.read(Container.STAGING, first) if first else None
    example = blob.data.partition(b"\n")[0].decode() if blob else ""
    raise ErrorThresholdExceeded(
        f"{done.rejected} of {plan.rows} rows were rejected, more than error_threshold allows "
        f"({threshold}); nothing was promoted. The first: {example}"
    )


def _is_exceeded(threshold: int | str, rejected: int, rows: int) -> bool:
    if isinstance(threshold, str):
        return rejected * 100 > float(threshold.removesuffix("%")) * rows
    return 0 <= threshold < rejected
