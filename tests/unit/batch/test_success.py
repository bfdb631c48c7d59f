"""`_SUCCESS` is shown by who has proof that nobody is taking its output back, and by nobody else."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch.success import Success
from shared.errors import StaleAttempt, StorageUnavailable
from shared.ports import Container

FOLDER = "flowers/job-1/"


@pytest.fixture
def success(store: MemoryBlobs) -> Success:
    return Success(store, Container.PREDICTIONS, FOLDER)


def names(store: MemoryBlobs) -> list[str]:
    return [item.name.removeprefix(FOLDER) for item in store.list(Container.PREDICTIONS)]


def test_it_is_shown_and_nothing_else_is_left(store: MemoryBlobs, success: Success) -> None:
    with success.prepared() as prepared:
        assert not success.is_there
        success.commit(prepared)
    assert success.is_there
    assert names(store) == ["_SUCCESS"]


def test_two_who_prepare_do_not_hinder_each_other(store: MemoryBlobs, success: Success) -> None:
    with success.prepared() as first, success.prepared() as second:
        assert first == second
        success.commit(second)
    assert names(store) == ["_SUCCESS"]


def test_what_was_settled_is_not_shown_though_another_has_prepared_it_anew(
    store: MemoryBlobs, success: Success
) -> None:
    with success.prepared() as held_up:
        success.settle()
        with success.prepared() as prepared:
            assert prepared != held_up
            with pytest.raises(StorageUnavailable, match="it is looked at again"):
                success.commit(held_up)
    assert "_SUCCESS" not in names(store)


def test_who_finds_that_the_job_is_anothers_leaves_nothing(store: MemoryBlobs, success: Success) -> None:
    with pytest.raises(StaleAttempt), success.prepared():
        raise StaleAttempt("another attempt of the job has taken over")
    assert names(store) == []


def test_who_prepares_while_another_settles_looks_again(store: MemoryBlobs, success: Success) -> None:
    class Settling(MemoryBlobs):
        def find(self, container: str, name: str) -> None:
            return None

    settling = Settling()
    settling.write(Container.PREDICTIONS, f"{FOLDER}_prepared", b"")
    with pytest.raises(StorageUnavailable), Success(settling, Container.PREDICTIONS, FOLDER).prepared():
        raise AssertionError("there was nothing to be had")


def test_settling_what_is_not_there_is_no_error(store: MemoryBlobs, success: Success) -> None:
    success.settle()
    success.settle()
    assert names(store) == []
