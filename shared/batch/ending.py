"""How a job that cannot go on is ended, wherever it stands."""

import logging

from shared.batch import closing, desk
from shared.batch.job import Event, JobError, JobStatus
from shared.batch.ports import BatchPorts
from shared.batch.work import Work
from shared.errors import JobCanceled, SlipwayError, StaleAttempt

_log = logging.getLogger(__name__)


def end(ports: BatchPorts, work: Work, code: str, reason: str) -> JobStatus:
    """What the orchestration of a job does last, when nothing of it runs any more. Safe to repeat.

    Raises StorageUnavailable where the output is whole already: such a job can be late, and cannot fail.
    """
    if code == JobCanceled.code:
        closing.cancel(ports, work.job_id)
    elif desk.read(ports.store, work.job_id).status == JobStatus.FINALIZING:
        abandon(ports, work, JobError(code=code, message=reason))
    else:
        closing.fail(ports, work, JobError(code=code, message=reason))
    return desk.read(ports.store, work.job_id).status


def abandon(ports: BatchPorts, work: Work, reason: JobError) -> None:
    """Of a promotion that cannot be finished: first what it has written is taken back, then the job fails.

    The job says so from the beginning: whoever goes on with it takes back, too, and nobody writes what another one
    is about to remove. Does nothing when another attempt has the job. Raises StorageUnavailable where the output is
    whole.
    """
    from shared.batch.output import Output  # brings pyarrow, which the reconciler does not need

    try:
        job = desk.move(ports.store, work, Event.FINALIZE, ports.now(), error=reason)
        try:
            Output(ports, job, ports.manifests.read(work).settings).take_back()
        except SlipwayError as error:
            if error.retryable or isinstance(error, StaleAttempt):
                raise
            # The place may be out of reach now: whoever took it away sees to what is there.
            _log.warning("job %s: its output cannot be taken back: %s", work.job_id, error.message)
        closing.fail(ports, work, reason, Event.ABANDON)
    except StaleAttempt as error:
        _log.info("%s", error.message)
