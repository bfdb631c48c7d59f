"""Watchers that die or stumble at every operation, and several at once: what is found is the same."""

import threading
from contextlib import suppress

import pytest

from shared.errors import StorageUnavailable
from shared.monitoring import results
from shared.monitoring.watch import Watcher
from shared.ports import Container
from tests.support.batch import Breaking, Killed, WatchedStore
from tests.unit.monitoring.test_feedback import ASKED, tell
from tests.unit.monitoring.watching import Observatory, flowers


def asked(seed: int = 1) -> Observatory:
    """A window that is over: 40 requests of ten rows, and what was right of the first one."""
    observatory = Observatory(model_performance=ASKED)
    inputs, outputs = flowers(400, seed)
    for at in range(0, 400, 10):
        columns = [{name: values[at : at + 10] for name, values in each.items()} for each in (inputs, outputs)]
        observatory.answer(*columns, request_id=f"request-{at}")
    tell(observatory, *(("request-0", row, outputs["species"][row]) for row in range(10)))
    observatory.pass_window()
    return observatory


def documents(observatory: Observatory) -> dict[str, bytes]:
    items = observatory.store.list(Container.METRICS)
    found = {item.name: observatory.store.read(Container.METRICS, item.name) for item in items}
    return {name: blob.data for name, blob in found.items() if blob is not None}


@pytest.mark.parametrize("error", [Killed(), StorageUnavailable("storage does not answer")], ids=["killed", "down"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_look_that_ends_anywhere_is_made_up_for_with_the_same_end(when: str, error: BaseException) -> None:
    undisturbed = asked()
    undisturbed.look()
    expected = documents(undisturbed)
    assert len(expected) == 2
    disturbed, at = asked(), 0
    while True:
        breaking, store = Breaking(at, when, error), WatchedStore(disturbed.store)
        breaking.on(store)
        with suppress(Killed):
            Watcher(store, disturbed._now, disturbed.metrics).look([disturbed.target], lambda: False)
        disturbed.look()
        assert documents(disturbed) == expected
        if not breaking.broke:
            break
        disturbed.store.delete_all(Container.METRICS, expected)
        at += 1
    assert at > 5


def test_watchers_at_once_agree_on_one_result_and_one_baseline() -> None:
    """Also where one of them sees a file that has come too late for the others."""
    observatory = asked()
    ready = threading.Barrier(4)
    found = []

    def look(number: int) -> None:
        store = WatchedStore(observatory.store)
        watcher = Watcher(store, observatory._now, observatory.metrics)
        ready.wait(30)
        if number == 0:
            name = "flowers/blue/2026/03/02/00/late.jsonl"
            some = next(iter(observatory.store.list(Container.CAPTURE, "flowers/blue/"))).name
            late = observatory.store.read(Container.CAPTURE, some)
            assert late is not None
            observatory.store.write(Container.CAPTURE, name, late.data.replace(b"request-", b"late-"))
        watcher.look([observatory.target], lambda: False)
        found.append(watcher._newest(observatory.target))

    threads = [threading.Thread(target=look, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (result,) = results.page(observatory.store, "flowers", "blue", 10).results
    assert found == [result] * 4
    assert result.status == "Baseline"
    assert len(documents(observatory)) == 2


def test_requests_and_truths_that_come_after_the_check_change_nothing_of_it() -> None:
    observatory = asked()
    observatory.look()
    expected = documents(observatory)
    asked_again = asked(seed=2)
    for item in asked_again.store.list(Container.CAPTURE):
        late = asked_again.store.read(Container.CAPTURE, item.name)
        assert late is not None
        observatory.store.write(Container.CAPTURE, item.name, late.data)
    observatory.look()
    assert documents(observatory) == expected
