"""Finds jobs that nobody works on, and has them worked on: after a crash, a restart, or a lost orchestration."""

import logging

from pydantic import ValidationError

from shared.batch import job as jobs
from shared.batch.job import MAX_ATTEMPTS, Job
from shared.batch.ports import BatchPorts
from shared.errors import JobNotFound, ScoringFailed

_log = logging.getLogger(__name__)


def forsaken(ports: BatchPorts) -> list[Job]:
    """Takes over every job that shows no sign of life; the caller starts the attempts that come back."""
    now = ports.now()
    taken: list[Job] = []
    for job_id in list(jobs.active(ports.store)):
        try:
            job = jobs.read(ports.store, job_id)
        except JobNotFound:
            # Marked, but never written: whoever dropped the blob is told again by the trigger, and marks it again.
            continue
        except ValidationError:
            _log.exception("job %s is left alone: its document cannot be read", job_id)
            continue
        if job.status.finished:
            jobs.put_away(ports.store, job_id)
        elif now - job.heartbeat_at > ports.heartbeat_timeout:
            taken += _take_over(ports, job)
    return taken


def _take_over(ports: BatchPorts, job: Job) -> list[Job]:
    if job.attempt >= MAX_ATTEMPTS:
        reason = ScoringFailed(f"the job was given up after {job.attempt} attempts: see the log for what stopped them")
        jobs.fail(ports.store, job.id, job.attempt, reason, ports.now())
        return []
    mine = jobs.take_over(ports.store, job, ports.now())
    if mine is None:
        return []
    _log.warning("job %s showed no sign of life: attempt %d takes over", job.id, mine.attempt)
    return [mine]
