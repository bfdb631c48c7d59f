"""A window of mini-batches that a job goes through at a time: what of it is still to do, and what it came to."""

from shared.batch import ledger
from shared.batch.ledger import Tally
from shared.batch.manifest import GROUP_SIZE
from shared.batch.ports import BatchPorts
from shared.batch.threshold import check_threshold
from shared.batch.work import Work


def list_pending(work: Work, first: int, last: int, ports: BatchPorts) -> list[int]:
    """Which of the mini-batches [first, last) are still to be scored. Raises StaleAttempt, JobCanceled."""
    ports.check(work)
    return ledger.pending(ports.store, work, first, last)


def close_window(work: Work, first: int, ports: BatchPorts) -> Tally:
    """What of the job is done by now, once all of this window is.

    Raises ErrorThresholdExceeded where the rows that are rejected by now are too many already, whatever the windows to
    come bring; StaleAttempt, JobCanceled.
    """
    job = ports.check(work)
    ledger.close_group(ports.store, work, first // GROUP_SIZE)
    done = ledger.tally(ports.store, work)
    check_threshold(ports.store, job, ports.manifests.read(work), done, ledger.entries(ports.store, work))
    return done
