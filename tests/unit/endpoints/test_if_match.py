"""Changes that are made to what their author has seen, or not at all."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.endpoints.audit import Author
from shared.endpoints.changes import Changes
from shared.errors import EndpointNotFound, InvalidTransition, StaleDocument
from shared.models.package import package_path
from shared.ports import Container
from tests.unit.endpoints.desk import HEAD, Desk
from tests.unit.endpoints.documents import NOW

ANN, BOB = Author("ann", NOW), Author("bob", NOW + timedelta(minutes=5))
type Change = Callable[[Desk, Changes, str], Any]

CHANGES: dict[str, Change] = {
    "publish": lambda desk, changes, seen: changes.publish(desk.draft("blue", "red"), BOB, if_match=seen),
    "traffic": lambda desk, changes, seen: changes.set_traffic("flowers", {"green": 100}, BOB, if_match=seen),
    "rollback": lambda desk, changes, seen: changes.roll_back("flowers", 1, None, BOB, if_match=seen),
    "delete": lambda desk, changes, seen: changes.delete("flowers", BOB, if_match=seen),
}


@pytest.fixture
def desk() -> Desk:
    """Two revisions, and no traffic, so that each of the changes is allowed."""
    desk = Desk()
    desk.publish("blue")
    desk.publish("blue", "green")
    return desk


def stored(desk: Desk) -> dict[str, bytes]:
    names = [(each, name) for each in (Container.ENDPOINTS, Container.AUDIT) for name in desk.blobs(each)]
    blobs = {name: desk.store.read(container, name) for container, name in names}
    return {name: blob.data for name, blob in blobs.items() if blob is not None}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("seen", ["its own", "*"])
def test_what_is_as_it_was_seen_is_changed(desk: Desk, change: Change, seen: str) -> None:
    before = stored(desk)
    change(desk, desk.changes, desk.catalog.look("flowers").etag if seen == "its own" else seen)
    assert stored(desk).get(HEAD) != before[HEAD]
    assert len(desk.blobs(Container.AUDIT)) == 3


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_changed_since_it_was_seen_stays_as_it_is(desk: Desk, change: Change) -> None:
    seen = desk.catalog.look("flowers").etag
    desk.another_office().set_traffic("flowers", {}, ANN)
    before = stored(desk)
    with pytest.raises(StaleDocument, match="endpoint 'flowers' was changed by someone else: read it and repeat"):
        change(desk, desk.changes, seen)
    assert stored(desk) == before


@pytest.mark.parametrize("seen", ['"0x1"', "*"])
def test_a_revision_of_an_endpoint_that_is_gone_is_refused(seen: str) -> None:
    desk = Desk()
    with pytest.raises(StaleDocument):
        desk.changes.publish(desk.draft("blue"), ANN, if_match=seen)
    assert stored(desk) == {}


@pytest.mark.parametrize("change", ["traffic", "rollback", "delete"])
def test_an_endpoint_that_is_not_there_is_told_as_such(change: str) -> None:
    desk = Desk()
    with pytest.raises(EndpointNotFound):
        CHANGES[change](desk, desk.changes, '"0x1"')


def test_an_endpoint_that_must_be_new_is_made_once(desk: Desk) -> None:
    with pytest.raises(StaleDocument, match="endpoint 'flowers' is there already: read it and repeat the change"):
        desk.changes.publish(desk.draft("blue"), ANN, create=True)
    assert Desk().changes.publish(desk.draft("blue"), ANN, create=True).head.revision == 1


def test_each_change_tells_the_etag_of_what_it_has_made(desk: Desk) -> None:
    published = desk.changes.publish(desk.draft("blue", "green"), ANN, if_match=desk.catalog.look("flowers").etag)
    moved = desk.changes.set_traffic("flowers", {"blue": 100}, ANN, if_match=published.etag)
    back = desk.changes.roll_back("flowers", 1, None, ANN, if_match=moved.etag)
    assert back.etag == desk.catalog.look("flowers").etag == desk.catalog.read("flowers").etag
    assert len({published.etag, moved.etag, back.etag}) == 3


def test_what_is_old_is_told_before_what_else_is_wrong_with_a_change(desk: Desk) -> None:
    desk.store.delete(Container.MODELS, package_path("iris", "1"))
    with pytest.raises(StaleDocument):
        CHANGES["publish"](desk, desk.changes, '"0x1"')
    with pytest.raises(InvalidTransition):
        CHANGES["publish"](desk, desk.changes, desk.catalog.look("flowers").etag)


def test_an_etag_is_of_no_document(desk: Desk) -> None:
    assert set(desk.catalog.look("flowers").model_dump()) == {"head", "revision"}
