"""How a job ends: its document says so, the world is told, and what nobody needs is put away."""

from collections.abc import Callable, Mapping

import pytest

from shared.adapters.memory import MemoryAnnouncer, MemoryBlobs
from shared.batch import closing, desk, ending
from shared.batch.events import JobEvent, job_event
from shared.batch.job import Event, Job, JobError, JobStatus
from shared.batch.ports import BatchPorts
from shared.errors import EndpointNotFound, ErrorThresholdExceeded, InvalidTransition, JobCanceled, StorageUnavailable
from shared.monitoring.metrics import JOBS
from tests.support.batch import Clock
from tests.support.endings import cancel, complete, documents, fail, marks, staged

type Scored = Callable[..., Job]
type Announced = MemoryAnnouncer[JobEvent]


def test_a_failed_job_says_why_and_keeps_what_it_has_done(
    store: MemoryBlobs, ports: BatchPorts, announcer: Announced, scored: Scored
) -> None:
    job = scored()
    before = staged(store, job), documents(store, job)
    failed = fail(ports, job)
    assert (failed.status, failed.finished_at) == (JobStatus.FAILED, ports.now())
    assert failed.error == JobError(code="ErrorThresholdExceeded", message="too many")
    assert (staged(store, job), documents(store, job)) == before
    assert marks(store) == [f"ended/{job.id}.0"]
    assert announcer.events == [job_event(failed)]


def test_a_canceled_job_leaves_its_document_only(
    store: MemoryBlobs, ports: BatchPorts, announcer: Announced, scored: Scored
) -> None:
    job = scored()
    canceled = cancel(ports, job)
    assert (canceled.status, canceled.error, canceled.swept) == (JobStatus.CANCELED, None, True)
    assert (staged(store, job), documents(store, job)) == ([], ["job.json"])
    assert announcer.events == [job_event(canceled)]


def test_a_completed_job_keeps_its_plan_for_a_while_and_nothing_staged(
    store: MemoryBlobs, ports: BatchPorts, announcer: Announced, scored: Scored
) -> None:
    job = scored()
    completed = complete(ports, job)
    assert staged(store, job) == []
    assert announcer.events == [job_event(completed)]
    assert announcer.events[0].counts == completed.counts


def test_the_world_is_told_again_where_telling_failed(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, announcer: Announced, scored: Scored
) -> None:
    job = scored()

    class Deaf:
        def announce(self, event: JobEvent) -> None:
            raise StorageUnavailable("the queue does not answer")

    with pytest.raises(StorageUnavailable):
        fail(ports._replace(announcer=Deaf()), job)
    assert desk.read(store, job.id).status == JobStatus.FAILED
    assert marks(store) == [f"active/{job.id}.0", f"ended/{job.id}.0"]
    closing.put_away(ports, desk.read(store, job.id))
    closing.put_away(ports, desk.read(store, job.id))
    assert {event.id for event in announcer.events} == {f"{job.id}-1-Failed"}
    assert marks(store) == [f"ended/{job.id}.0"]


def test_a_job_that_ends_is_counted_once_by_its_end(ports: BatchPorts, clock: Clock, scored: Scored) -> None:
    job = scored()
    clock.go_on(seconds=90)
    before = jobs_counted(ports)
    fail(ports, job)
    assert before == []
    assert jobs_counted(ports) == [({"endpoint": "flowers", "schedule": "", "status": "Failed"}, 90)]


def test_a_job_of_an_endpoint_that_nobody_published_names_none(ports: BatchPorts, scored: Scored) -> None:
    closing.fail(ports, scored().work, EndpointNotFound("no endpoint of this name"))
    assert [labels["endpoint"] for labels, _ in jobs_counted(ports)] == ["unknown"]


def jobs_counted(ports: BatchPorts) -> list[tuple[Mapping[str, str | bool], float]]:
    """Labels of each kind of end, and how long these jobs took together, s."""
    (counted,) = [recorder for instrument, recorder in ports.metrics.counters if instrument is JOBS]
    return [(point.attributes, point.total) for point in counted.points()]


def test_an_attempt_that_was_overtaken_closes_nothing(
    store: MemoryBlobs, ports: BatchPorts, announcer: Announced, scored: Scored
) -> None:
    job = scored()
    desk.take_over(store, desk.read(store, job.id), ports.now())
    assert fail(ports, job).status == JobStatus.RUNNING
    assert ending.end(ports, job.work, "ScoringFailed", "no") == JobStatus.RUNNING
    assert announcer.events == []


def test_a_job_that_fails_while_it_is_canceled_ends_as_canceled(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = scored()
    desk.request_cancel(store, job.id)
    assert fail(ports, job).status == JobStatus.CANCELED


def test_nobody_cancels_what_nobody_asked_to(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored()
    closing.cancel(ports, job.id)
    assert desk.read(store, job.id).status == JobStatus.RUNNING
    assert marks(store) == [f"active/{job.id}.0"]


def test_a_cancellation_that_somebody_else_has_closed_is_put_away_again(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = scored()
    desk.request_cancel(store, job.id)
    desk.close_canceled(store, job.id, ports.now())
    closing.cancel(ports, job.id)
    assert (staged(store, job), documents(store, job)) == ([], ["job.json"])


@pytest.mark.parametrize(
    ("code", "expected"), [(JobCanceled.code, JobStatus.CANCELED), (InvalidTransition.code, JobStatus.FAILED)]
)
def test_an_orchestration_closes_its_job_by_the_reason_it_has(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, code: str, expected: JobStatus
) -> None:
    job = scored()
    if expected == JobStatus.CANCELED:
        desk.request_cancel(store, job.id)
    assert ending.end(ports, job.work, code, "so it is") == expected
    assert ending.end(ports, job.work, code, "so it is") == expected
    error = desk.read(store, job.id).error
    assert error == (None if expected == JobStatus.CANCELED else JobError(code=code, message="so it is"))


def test_what_is_being_made_visible_is_failed_only_by_giving_it_up(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = scored()
    desk.move(store, job.work, Event.FINALIZE, ports.now())
    with pytest.raises(InvalidTransition, match="is Finalizing: it cannot fail"):
        closing.fail(ports, job.work, ErrorThresholdExceeded("too many"))
    closing.fail(ports, job.work, ErrorThresholdExceeded("too many"), Event.ABANDON)
    assert desk.read(store, job.id).status == JobStatus.FAILED
