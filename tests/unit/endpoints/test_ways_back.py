"""Earlier revisions made current again, endpoints deleted, and the audit of all that was changed."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.endpoints import audit
from shared.endpoints.audit import Author
from shared.endpoints.callers import StoredKey
from shared.endpoints.changes import Changes
from shared.errors import (
    ConfigurationError,
    EndpointNotFound,
    InvalidTransition,
    StaleDocument,
    StorageUnavailable,
)
from shared.models.package import package_path
from shared.ports import Container
from tests.unit.endpoints.desk import HEAD, Desk
from tests.unit.endpoints.documents import NOW

LATER = NOW + timedelta(minutes=5)
BOB = Author("bob", LATER, "203.0.113.7", "slipway/0.1.0")


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.publish("blue", traffic={"blue": 100})
    desk.publish("blue", "green")
    return desk


def changes(desk: Desk) -> list[str]:
    return [entry.change for entry in audit.entries(desk.store, "flowers", 100).entries]


def test_an_earlier_revision_is_made_current_with_the_traffic_as_it_is(desk: Desk) -> None:
    endpoint = desk.changes.roll_back("flowers", 1, None, BOB)
    assert (endpoint.head.revision, endpoint.head.traffic, list(endpoint.revision.deployments)) == (
        1,
        {"blue": 100},
        ["blue"],
    )
    assert (endpoint.head.updated_by, endpoint.head.updated_at) == ("bob", LATER)
    assert desk.another().read("flowers") == endpoint
    assert desk.publish("blue").revision.number == 3


def test_a_way_back_that_takes_traffic_from_under_a_deployment_needs_other_traffic(desk: Desk) -> None:
    desk.changes.set_traffic("flowers", {"green": 100}, BOB)
    with pytest.raises(InvalidTransition, match="green still takes live traffic"):
        desk.changes.roll_back("flowers", 1, None, BOB)
    with pytest.raises(InvalidTransition, match="traffic names green, which is not a deployment"):
        desk.changes.roll_back("flowers", 1, {"green": 100}, BOB)
    assert desk.another().read("flowers").head.revision == 2
    assert desk.changes.roll_back("flowers", 1, {"blue": 100}, BOB).head.traffic == {"blue": 100}


def test_a_way_back_goes_to_what_is_there(desk: Desk) -> None:
    with pytest.raises(InvalidTransition, match="endpoint 'flowers' has no revision 9: see its revisions"):
        desk.changes.roll_back("flowers", 9, None, BOB)
    with pytest.raises(EndpointNotFound):
        desk.changes.roll_back("trees", 1, None, BOB)
    desk.store.delete(Container.MODELS, package_path("iris", "1"))
    with pytest.raises(InvalidTransition, match="no package of model iris/1"):
        desk.changes.roll_back("flowers", 1, None, BOB)


def test_a_way_back_keeps_the_keys(desk: Desk) -> None:
    desk.publish("blue", auth_mode=["entra", "key"])
    desk.publish("blue", "green", auth_mode=["entra", "key"])
    key = StoredKey(sha256="1" * 64, created_at=NOW, created_by="ann")
    desk.changes.set_key("flowers", "primary", key, BOB)
    assert desk.changes.roll_back("flowers", 3, None, BOB).head.keys == {"primary": key}


def test_revisions_are_told_newest_first(desk: Desk) -> None:
    assert [(each.number, each.created_by, each.current) for each in desk.changes.revisions("flowers")] == [
        (2, "ann", True),
        (1, "ann", False),
    ]
    assert list(desk.changes.revision("flowers", 1).deployments) == ["blue"]
    for number in (0, 3):
        with pytest.raises(EndpointNotFound, match=f"with a revision {number}"):
            desk.changes.revision("flowers", number)
    with pytest.raises(EndpointNotFound):
        desk.changes.revisions("trees")


def test_an_endpoint_that_takes_traffic_is_not_deleted(desk: Desk) -> None:
    with pytest.raises(InvalidTransition, match="blue still takes live traffic: set all traffic to 0 first"):
        desk.changes.delete("flowers", BOB)
    assert desk.another().read("flowers").head.revision == 2
    assert "delete" not in changes(desk)


def test_a_deleted_endpoint_is_gone_and_its_name_is_free(desk: Desk) -> None:
    desk.changes.set_traffic("flowers", {"blue": 0}, BOB)
    desk.changes.delete("flowers", BOB)
    for catalog in (desk.catalog, desk.another()):
        with pytest.raises(EndpointNotFound):
            catalog.read("flowers")
    with pytest.raises(EndpointNotFound):
        desk.changes.delete("flowers", BOB)
    assert desk.publish("blue").revision.number == 3
    assert sorted(changes(desk)) == ["delete", "publish", "publish", "publish", "traffic"]


def test_an_endpoint_with_a_job_that_is_not_over_is_not_deleted(desk: Desk) -> None:
    desk.changes.set_traffic("flowers", {}, BOB)
    busy = Changes(desk.store, desk.catalog, lambda name: name == "flowers")
    with pytest.raises(InvalidTransition, match="a job of endpoint 'flowers' is not over: cancel it, or wait"):
        busy.delete("flowers", BOB)
    assert desk.another().read("flowers").head.revision == 2


@pytest.mark.parametrize(
    ("change", "make"),
    [
        ("rollback", lambda desk: desk.changes.roll_back("flowers", 1, None, BOB)),
        ("delete", lambda desk: desk.changes.delete("flowers", BOB)),
    ],
)
def test_who_is_slower_is_told_so_and_leaves_no_audit(desk: Desk, change: str, make: Callable[[Desk], object]) -> None:
    desk.changes.set_traffic("flowers", {"blue": 0}, BOB)

    def overtaken(container: str, name: str) -> None:
        desk.store.before_write = lambda container, name: None
        desk.another_office().set_traffic("flowers", {"blue": 100}, Author("fast", LATER))

    desk.store.before_write = overtaken
    with pytest.raises(StaleDocument, match="read it and repeat the change"):
        make(desk)
    assert change not in changes(desk)
    assert desk.another().read("flowers").head.traffic == {"blue": 100}


def test_a_change_whose_write_fails_is_audited_all_the_same(desk: Desk) -> None:
    """Nobody knows whether it reached storage: rather an entry too many."""

    def fail(container: str, name: str) -> None:
        if name == HEAD:
            raise StorageUnavailable("storage does not answer")

    desk.store.before_write = fail
    with pytest.raises(StorageUnavailable):
        desk.changes.roll_back("flowers", 1, None, BOB)
    assert changes(desk)[0] == "rollback"


def test_the_audit_says_who_what_and_from_where(desk: Desk) -> None:
    desk.changes.roll_back("flowers", 1, None, BOB)
    entry = audit.entries(desk.store, "flowers", 1).entries[0]
    assert (entry.endpoint, entry.change, entry.by, entry.at) == ("flowers", "rollback", "bob", LATER)
    assert (entry.address, entry.agent) == ("203.0.113.7", "slipway/0.1.0")
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before.revision, entry.after.revision) == (2, 1)


def test_the_audit_comes_in_pages_newest_first_and_of_one_endpoint(desk: Desk) -> None:
    other = desk.draft("blue").model_copy(update={"name": "flowers-2"})
    desk.changes.publish(other, BOB)
    for minute in range(3):
        desk.changes.set_traffic("flowers", {"blue": 100}, Author(f"bob {minute}", LATER + timedelta(minutes=minute)))
    page = audit.entries(desk.store, "flowers", 2)
    assert [entry.by for entry in page.entries] == ["bob 2", "bob 1"]
    rest = audit.entries(desk.store, "flowers", 100, page.marker)
    assert [entry.change for entry in rest.entries] == ["traffic", "publish", "publish"]
    assert rest.marker == ""


def test_an_entry_that_cannot_be_read_says_where_it_is(desk: Desk) -> None:
    desk.store.write(Container.AUDIT, "flowers/0.json", b"{")
    with pytest.raises(ConfigurationError, match="an audit entry of endpoint 'flowers' cannot be read"):
        audit.entries(desk.store, "flowers", 1)


def test_heads_of_all_endpoints_are_told_but_for_those_that_cannot_be_read(desk: Desk) -> None:
    desk.changes.publish(desk.draft("blue").model_copy(update={"name": "trees"}), BOB)
    desk.store.write(Container.ENDPOINTS, "broken/head.json", b"{")
    assert [(name, head.revision) for name, head in desk.catalog.heads()] == [("flowers", 2), ("trees", 1)]
