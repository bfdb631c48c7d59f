"""A batch job that is canceled at every single operation on storage: it ends as canceled, or as it would have."""

import pytest

from shared.batch import desk
from shared.batch.job import JobStatus
from shared.errors import InvalidTransition, JobNotFound
from shared.ports import Container
from tests.support.batch import Breaking, Killed
from tests.support.crashes import NewWorld, World, outcome, places, undisturbed, watch_readers
from tests.support.durable import run_at_once


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_job_that_is_canceled_at_any_operation_leaves_nothing_or_ends_as_it_would_have(
    new_world: NewWorld, when: str
) -> None:
    expected = undisturbed(new_world)
    ends = set()
    for breaking in places(when, Killed()):
        world = new_world()
        store = world.start_process()
        too_late: list[JobStatus] = []

        def cancel(
            operation: str, world: World = world, at: Breaking = breaking, late: list[JobStatus] = too_late
        ) -> None:
            try:
                at.count(operation)
            except Killed:
                try:
                    desk.request_cancel(world.store, world.job().id)
                except JobNotFound:
                    late.append(JobStatus.NOT_STARTED)
                except InvalidTransition:
                    late.append(world.job().status)

        setattr(store, when, cancel)
        watch_readers(world, store, when)
        job = world.deliver(store)
        assert job is not None
        run_at_once(job)
        ended = outcome(world)
        ends.add(ended[0])
        canceled = bool(breaking.broke) and not too_late
        assert ended == ((JobStatus.CANCELED, "", {}) if canceled else expected), f"canceled {when} {breaking.broke}"
        assert set(too_late) <= {JobStatus.NOT_STARTED, JobStatus.FINALIZING, JobStatus.COMPLETED, JobStatus.FAILED}
        if canceled:
            assert list(world.store.list(Container.STAGING, job.id)) == []
        assert world.sweep() == []
    assert ends == {JobStatus.CANCELED, expected[0]}
