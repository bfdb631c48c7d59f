"""A batch job that dies, stumbles or is overtaken at every single operation on storage, and what readers see of it."""

import pytest

from shared.batch.job import JobStatus
from shared.batch.ports import BatchPorts
from shared.errors import StorageUnavailable
from tests.support.batch import Breaking, Killed, check_whole_if_successful, make_ports
from tests.support.crashes import NewWorld, World, outcome, places, undisturbed, watch_readers
from tests.support.durable import run_at_once


def test_the_undisturbed_job(new_world: NewWorld, request: pytest.FixtureRequest) -> None:
    status, reason, seen = undisturbed(new_world)
    if "over-threshold" in request.node.name:
        assert status == JobStatus.FAILED
        assert reason.startswith("2 of 9 rows were rejected")
        assert seen == {}
        return
    assert (status, reason) == (JobStatus.COMPLETED, "")
    one_file = "one-file" in request.node.name
    parts = ["predictions.csv"] if one_file else [f"part-{index:06d}.parquet" for index in range(3)]
    assert sorted(seen) == sorted(["_SUCCESS", "manifest.json", "rejected.jsonl", *parts])
    assert [int(row["row"]) for name in parts for row in seen[name]] == [0, 1, 2, 3, 4, 5, 7]
    assert [entry["row"] for entry in seen["rejected.jsonl"]] == [6, 8]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_job_killed_at_any_operation_ends_as_if_nothing_had_been(new_world: NewWorld, when: str) -> None:
    expected = undisturbed(new_world)
    for breaking in places(when, Killed()):
        world = new_world()
        store = world.start_process()
        breaking.on(store)
        watch_readers(world, store, when)
        try:
            job = world.deliver(store)
            assert job is not None
            run_at_once(job)
        except Killed:
            check_whole_if_successful(world.store)
        world.go_on()
        assert outcome(world) == expected, f"killed {when} {breaking.broke}"
        assert world.sweep() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_storage_that_fails_at_any_operation_costs_no_attempt(new_world: NewWorld, when: str) -> None:
    expected = undisturbed(new_world)
    for breaking in places(when, StorageUnavailable("try again")):
        world = new_world()
        store = world.start_process()
        breaking.on(store)
        watch_readers(world, store, when)
        try:
            job = world.deliver(store)
        except StorageUnavailable:
            job = world.deliver(store)
        assert job is not None
        run_at_once(job)
        assert world.tick() == []
        assert outcome(world) == expected, f"failed {when} {breaking.broke}"
        assert world.job().attempt == 1
        assert world.sweep() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_attempt_that_is_overtaken_at_any_operation_changes_nothing(new_world: NewWorld, when: str) -> None:
    expected = undisturbed(new_world)
    for breaking in places(when, Killed()):
        world = new_world()
        store = world.start_process()
        mine = make_ports(store, world.clock, world.loader)
        job = world.deliver(store)
        assert job is not None

        def sleep(operation: str, world: World = world, mine: BatchPorts = mine, at: Breaking = breaking) -> None:
            try:
                at.count(operation)
            except Killed:
                # Not dead, only asleep for minutes, in which another process does all the work.
                world.go_on()
                assert outcome(world) == expected, f"overtaken {when} {operation}"
                world.use(mine)

        setattr(store, when, sleep)
        watch_readers(world, store, when)
        world.use(mine)
        run_at_once(job)
        assert outcome(world) == expected, f"overtaken {when} {breaking.broke}"
        assert world.sweep() == []
