"""What is told of a job that is over."""

from datetime import timedelta

from shared.adapters.memory import MemoryAnnouncer
from shared.batch import job as jobs
from shared.batch.events import Announcer, JobEvent, job_event
from shared.batch.job import Counts, Job, JobError, JobInput, JobStatus
from tests.support.endpoint import NOW

COUNTS = Counts(rows=10, predicted=9, rejected=1, mini_batches=2)
INPUTS = (JobInput(location="inbox/flowers/x.csv"),)


def finished(**fields: object) -> Job:
    job = jobs.new("rest-0123456789abcdef01234567", "flowers", INPUTS, "somebody", NOW)
    done = {"status": JobStatus.COMPLETED, "started_at": NOW, "finished_at": NOW + timedelta(seconds=3)}
    return job.model_copy(update={**done, **fields})


def test_an_event_says_how_a_job_ended() -> None:
    job = finished(counts=COUNTS, output="predictions/flowers/x/", model_version="3", deployment="blue")
    assert job_event(job) == JobEvent(
        id="rest-0123456789abcdef01234567-1-Completed",
        job_id="rest-0123456789abcdef01234567",
        endpoint="flowers",
        status=JobStatus.COMPLETED,
        deployment="blue",
        model_version="3",
        counts=COUNTS,
        output="predictions/flowers/x/",
        error=None,
        submitted_by="somebody",
        created_at=NOW,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=3),
    )


def test_a_deployment_that_the_job_did_not_choose_is_told_by_who_knows_it() -> None:
    assert job_event(finished(), "green").deployment == "green"
    assert job_event(finished(deployment="blue"), "green").deployment == "blue"
    assert job_event(finished()).deployment is None


def test_repeats_have_the_same_id_and_other_ends_have_others() -> None:
    ends = [finished(), finished(status=JobStatus.FAILED), finished(attempt=2), finished(status=JobStatus.CANCELED)]
    assert len({job_event(each).id for each in ends}) == 4
    assert job_event(finished(finished_at=NOW)).id == job_event(finished()).id


def test_an_event_fits_into_a_message_whatever_the_job_says() -> None:
    worst = finished(
        status=JobStatus.FAILED,
        error=JobError(code="ScoringFailed", message="\0" * 100_000),
        output="predictions/flowers/" + "\U0001f33b" * 1024,
    )
    event = job_event(worst)
    assert event.error is not None
    assert len(event.error.message) == 4096
    assert len(event.model_dump_json().encode()) < 48 * 1024


def test_events_survive_their_way() -> None:
    event = job_event(finished(counts=COUNTS, error=JobError(code="a", message="b")))
    assert JobEvent.model_validate_json(event.model_dump_json()) == event


def test_an_announcer_in_memory_keeps_what_it_was_told() -> None:
    kept = MemoryAnnouncer[JobEvent]()
    announcer: Announcer = kept
    event = job_event(finished())
    announcer.announce(event)
    announcer.announce(event)
    assert kept.events == [event, event]
