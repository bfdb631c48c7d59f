"""What must be true when all is over: the world settles by itself, and nothing is lost, doubled, or left behind."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta

from shared.batch import closing, desk, job_index
from shared.batch.job import Job, JobStatus
from shared.ports import Container
from tests.exploration import actors
from tests.exploration.reader import PREPARED, SUCCESS
from tests.exploration.scenario import Scenario
from tests.exploration.world import Blobs, Smooth, World
from tests.support.batch import RETRY_WINDOW

# Ticks after which all that is to be taken up was taken up.
_TICKS = 6


class Verdicts:
    """Of all ends of a scenario; `size`: how many different ones there were."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._known: set[object] = set()

    @property
    def size(self) -> int:
        return len(self._known)

    def judge(self, world: World) -> str:
        """What is wrong; "" when nothing is."""
        if world.state in self._known:
            return ""
        self._known.add(world.state)
        try:
            _settle(world)
            for job in world.jobs:
                _check(desk.read(world.store, job.id), world, self._scenario)
            _check_latest(world)
            _sweep(world)
        except AssertionError as error:
            return str(error)
        return ""


def output(store: Blobs, folder: str) -> dict[str, object]:
    """What is in an output, apart from when it was made."""
    seen: dict[str, object] = {}
    for item in store.list(Container.PREDICTIONS, folder):
        blob = store.read(Container.PREDICTIONS, item.name)
        assert blob is not None
        name = item.name.removeprefix(folder)
        if name == "manifest.json":
            seen[name] = json.loads(blob.data) | {"scored_at": "", "run": 0}
        else:
            seen[name] = hashlib.sha256(blob.data).hexdigest()
    return seen


def folder_of(job: Job) -> str:
    return job.output_location.removeprefix(f"{Container.PREDICTIONS}/")


def _settle(world: World) -> None:
    """Other processes come, find what is not done, and do it."""
    stepper = Smooth(world.reader)
    if not all(any(world.store.list(Container.JOBS, f"{job.id}/job.json")) for job in world.jobs):
        actors.deliver(world, world.host("delivered-again", stepper))
    for number in range(_TICKS):
        actors.late(world, world.host(f"later-{number}", stepper))
        assert not stepper.violation, stepper.violation
        if not [*desk.active(world.store)]:
            return
    left = ", ".join(map(str, desk.active(world.store)))
    told = ", ".join(f"{job.status}, attempt {job.attempt}" for job in map(_stored(world), world.jobs))
    raise AssertionError(f"still to be looked after: {left} (jobs: {told})")


def _stored(world: World) -> Callable[[Job], Job]:
    return lambda job: desk.read(world.store, job.id)


def _is_shared(job: Job, world: World) -> bool:
    """Whether its output is that of another job, which has completed."""
    others = [other for other in map(_stored(world), world.jobs) if other.id != job.id]
    return any(other.output_location == job.output_location and other.status == JobStatus.COMPLETED for other in others)


def _check(job: Job, world: World, scenario: Scenario) -> None:
    allowed = scenario.ends(world.notes)
    assert job.status in allowed, (
        f"the job ended as {job.status} ({job.error}), and not as {' or '.join(sorted(allowed))}"
    )
    seen, folder = output(world.store, folder_of(job)), folder_of(job)
    if job.status == JobStatus.COMPLETED:
        seen.pop(PREPARED, None)  # somebody was late and has died: it is swept
        assert SUCCESS in seen, "the job is Completed without _SUCCESS"
        assert seen == scenario.twin[job.id], f"the output differs from its twin's: {seen}"
        assert job.counts is not None
        assert job.counts.rows == job.counts.predicted + job.counts.rejected
    elif not _is_shared(job, world):
        left = {SUCCESS} & set(seen) if scenario.leaves_late_copies else set(seen)
        assert left == set(), f"{sorted(left)} is in the output of a job that is {job.status}"
        assert folder not in world.reader.whole, f"_SUCCESS was seen of a job that is {job.status}"
    _check_announcements(job, world)
    listed = [item.name for item in world.store.list(Container.JOBS, job_index.prefix(job.endpoint))]
    assert sum(name.endswith(job.id) for name in listed) == 1, f"the job is not on the list once: {listed}"


def _check_announcements(job: Job, world: World) -> None:
    told = {event.id: event for event in world.announced if event.job_id == job.id}
    last = f"{job.id}-{job.attempt}-{job.status}"
    assert last in told, f"nobody was told that the job is {job.status}, but of {sorted(told)}"
    assert len(told) <= job.retries + 1, f"after {job.retries} retries the job has ended as {sorted(told)}"


def _check_latest(world: World) -> None:
    """`latest.json` names the completed job whose output was made last."""
    done: list[tuple[datetime, str]] = []
    for job in map(_stored(world), world.jobs):
        blob = world.store.read(Container.PREDICTIONS, f"{folder_of(job)}manifest.json")
        if blob is not None and world.store.find(Container.PREDICTIONS, f"{folder_of(job)}{SUCCESS}") is not None:
            done.append((datetime.fromisoformat(json.loads(blob.data)["scored_at"]), job.id))
    blob = world.store.read(Container.PREDICTIONS, f"{world.jobs[0].endpoint}/latest.json")
    if not done:
        assert blob is None, "latest.json is there, and no job is Completed"
        return
    assert blob is not None, "there is no latest.json"
    latest = json.loads(blob.data)
    newest = max(done)[0]
    named = {job_id for at, job_id in done if at == newest}
    assert latest["job_id"] in named, f"latest.json names {latest['job_id']}, and not {named}"


def _sweep(world: World) -> None:
    host = world.host("sweeper", Smooth(world.reader))
    world.clock.now += RETRY_WINDOW + timedelta(minutes=10)
    closing.sweep(host.ports)
    left = [f"{Container.STAGING}/{item.name}" for item in world.store.list(Container.STAGING)]
    kept = ("index/", "outputs/", *(f"{job.id}/job.json" for job in world.jobs))
    left += [
        f"{Container.JOBS}/{item.name}" for item in world.store.list(Container.JOBS) if not item.name.startswith(kept)
    ]
    for job in map(_stored(world), world.jobs):
        seen = sorted(output(world.store, folder_of(job)))
        is_shown = job.status == JobStatus.COMPLETED or _is_shared(job, world)
        left += [name for name in seen if name == PREPARED or not is_shown]
    assert left == [], f"not swept: {', '.join(left)}"
