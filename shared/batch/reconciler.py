"""Finds jobs that nobody works on, and has them worked on: after a crash, a restart, or a lost orchestration."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from shared.batch import closing, desk, ending
from shared.batch.desk import Mark
from shared.batch.job import MAX_ATTEMPTS, Job, JobStatus
from shared.batch.ports import BatchPorts
from shared.errors import InvalidTransition, JobNotFound, ScoringFailed, SlipwayError, StorageUnavailable

_log = logging.getLogger(__name__)


# An orchestration that runs and shows nothing for this many timeouts is taken for stuck.
_STUCK_AFTER: Final = 12


def forsaken(ports: BatchPorts, is_running: Callable[[Job], bool]) -> Iterator[Job]:
    """Takes over every job that shows no sign of life, one after the other; the caller starts what comes.

    `is_running` asks the durable engine whether it still has the job's attempt in hand: steps that wait for their
    turn give no sign of life. One job that cannot be looked after holds up none of the others.
    """
    for mark in list(desk.active(ports.store)):
        try:
            job = _look_after(ports, mark, is_running)
        except SlipwayError:
            _log.exception("job %s is left alone for now", mark.job_id)
            continue
        if job is not None:
            yield job


def _look_after(ports: BatchPorts, mark: Mark, is_running: Callable[[Job], bool]) -> Job | None:
    try:
        job = desk.read(ports.store, mark.job_id)
    except JobNotFound:
        marked = desk.marked(ports.store, mark, timedelta())
        return None if marked is None else desk.submit(ports.store, marked)
    if mark.retries > job.retries:
        return _retry(ports, mark)
    if mark.retries < job.retries:
        desk.forget_active(ports.store, job.model_copy(update={"retries": mark.retries}))
        return None
    if job.status.finished:
        closing.put_away(ports, job)
        return None
    if abs(ports.now() - job.heartbeat_at) <= ports.heartbeat_timeout:
        return None
    # Of two hosts one may have a wrong clock; that of storage is the same for both.
    silence = desk.silence(ports.store, job)
    if silence <= ports.heartbeat_timeout:
        return None
    if silence <= ports.heartbeat_timeout * _STUCK_AFTER and is_running(job):
        return None
    if job.status == JobStatus.CANCEL_REQUESTED:
        closing.cancel(ports, job.id)
        return None
    return _take_over(ports, job)


def _retry(ports: BatchPorts, mark: Mark) -> Job | None:
    """Whoever has marked it is about to write it, or died before that."""
    marked = desk.marked(ports.store, mark, ports.heartbeat_timeout)
    try:
        return None if marked is None else desk.retry(ports.store, mark.job_id, ports.now(), overrides=marked.overrides)
    except InvalidTransition:
        return None  # somebody was faster


def _take_over(ports: BatchPorts, job: Job) -> Job | None:
    last = job if job.attempt < MAX_ATTEMPTS else _not_given_up(ports, job)
    mine = None if last is None else desk.take_over(ports.store, last, ports.now())
    if mine is not None:
        _log.warning("job %s showed no sign of life: attempt %d takes over", job.id, mine.attempt)
    return mine


def _not_given_up(ports: BatchPorts, job: Job) -> Job | None:
    """The job as it is now, where its output is whole: all that is left to do is to close it."""
    reason = f"the job was given up after {job.attempt} attempts: see the log for what stopped them"
    try:
        ending.end(ports, job.work, ScoringFailed.code, reason)
    except StorageUnavailable as error:
        _log.warning("job %s is not given up: %s", job.id, error.message)
        now = desk.read(ports.store, job.id)
        return now if now.work == job.work else None
    return None
