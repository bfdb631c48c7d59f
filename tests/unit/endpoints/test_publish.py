"""Changing endpoint documents: refused, raced, killed half-way and repeated."""

from datetime import timedelta

import pytest

from shared.endpoints import audit
from shared.endpoints.audit import Author
from shared.errors import ConfigurationError, InvalidTransition, StaleDocument, StorageUnavailable
from shared.models.package import package_path
from shared.ports import Container
from tests.unit.endpoints.desk import HEAD, Desk
from tests.unit.endpoints.documents import NOW

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_publish_makes_revision_1_and_a_head_with_the_traffic_of_the_file(desk: Desk) -> None:
    endpoint = desk.publish("blue", traffic={"blue": 100})
    assert (endpoint.revision.number, endpoint.head.revision, endpoint.head.traffic) == (1, 1, {"blue": 100})
    assert desk.blobs(Container.ENDPOINTS) == [HEAD, "flowers/revisions/1.json"]
    assert desk.catalog.read("flowers") == endpoint


def test_a_later_publish_keeps_traffic_and_the_older_revisions(desk: Desk) -> None:
    desk.publish("blue", traffic={"blue": 100})
    desk.changes.set_traffic("flowers", {"blue": 100}, Author("bob", NOW))
    before = desk.store.read(Container.ENDPOINTS, "flowers/revisions/1.json")
    endpoint = desk.publish("blue", "green", traffic={"green": 100})
    assert (endpoint.head.revision, endpoint.head.traffic) == (2, {"blue": 100})
    assert desk.store.read(Container.ENDPOINTS, "flowers/revisions/1.json") == before
    assert desk.catalog.read("flowers") == endpoint


def test_a_revision_that_removes_a_live_deployment_is_refused_and_leaves_nothing_behind(desk: Desk) -> None:
    desk.publish("blue", traffic={"blue": 100})
    before = desk.blobs(Container.ENDPOINTS), desk.blobs(Container.AUDIT)
    with pytest.raises(InvalidTransition, match="blue still takes live traffic"):
        desk.publish("green")
    assert (desk.blobs(Container.ENDPOINTS), desk.blobs(Container.AUDIT)) == before


def test_a_package_that_was_not_uploaded_is_refused(desk: Desk) -> None:
    desk.store.delete(Container.MODELS, package_path("iris", "1"))
    with pytest.raises(InvalidTransition, match="deployment 'blue': no package of model iris/1 with this digest"):
        desk.publish("blue")
    assert desk.blobs(Container.ENDPOINTS) == desk.blobs(Container.AUDIT) == []


def test_another_package_than_the_pinned_one_is_refused(desk: Desk) -> None:
    desk.store.write(Container.MODELS, package_path("iris", "1"), b"other bytes")
    with pytest.raises(InvalidTransition, match="upload it"):
        desk.publish("blue")


def test_every_deployments_package_is_looked_at(desk: Desk) -> None:
    draft = desk.draft("blue").model_dump()
    draft["deployments"]["green"] = {"model": {**desk.ref._asdict(), "version": "2"}}
    with pytest.raises(InvalidTransition, match="deployment 'green': no package of model iris/2"):
        desk.changes.publish(type(desk.draft()).model_validate(draft), Author("ann", NOW))


@pytest.mark.parametrize("lost_at", [HEAD, "flowers/revisions/2.json"])
def test_the_slower_of_two_publishers_is_told_so_and_the_faster_one_stays(desk: Desk, lost_at: str) -> None:
    desk.publish("blue", traffic={"blue": 100})

    def overtaken(container: str, name: str) -> None:
        if name == lost_at:
            desk.store.before_write = lambda container, name: None
            desk.publish("blue", "fast")

    desk.store.before_write = overtaken
    with pytest.raises(StaleDocument):
        desk.publish("blue", "slow")
    assert sorted(desk.catalog.read("flowers").revision.deployments) == ["blue", "fast"]
    assert sorted(desk.publish("blue", "slow").revision.deployments) == ["blue", "slow"]


def test_two_first_publishers_make_one_endpoint(desk: Desk) -> None:
    def overtaken(container: str, name: str) -> None:
        if name == HEAD:
            desk.store.before_write = lambda container, name: None
            desk.publish("fast")

    desk.store.before_write = overtaken
    with pytest.raises(StaleDocument, match="endpoint 'flowers' was changed by someone else"):
        desk.publish("slow")
    assert list(desk.catalog.read("flowers").revision.deployments) == ["fast"]


def test_traffic_that_lost_the_race_is_told_so(desk: Desk) -> None:
    desk.publish("blue", "green", traffic={"blue": 100})

    def overtaken(container: str, name: str) -> None:
        desk.store.before_write = lambda container, name: None
        desk.another_office().set_traffic("flowers", {"blue": 50, "green": 50}, Author("fast", NOW))

    desk.store.before_write = overtaken
    with pytest.raises(StaleDocument, match="read it and repeat the change"):
        desk.changes.set_traffic("flowers", {"green": 100}, Author("slow", NOW))
    assert desk.catalog.read("flowers").head.traffic == {"blue": 50, "green": 50}


@pytest.mark.parametrize("published", [0, 1])
def test_a_publish_that_died_before_its_head_changes_nothing_and_can_be_repeated(desk: Desk, published: int) -> None:
    for _ in range(published):
        desk.publish("blue", traffic={"blue": 100})

    def killed(container: str, name: str) -> None:
        if name == HEAD:
            raise StorageUnavailable("the process was killed here")

    desk.store.before_write = killed
    with pytest.raises(StorageUnavailable):
        desk.publish("blue", "green")
    if published:
        assert list(desk.catalog.read("flowers").revision.deployments) == ["blue"]
    assert list(desk.catalog.names()) == ["flowers"] * published
    desk.store.before_write = lambda container, name: None
    repeated = desk.publish("blue", "green")
    assert repeated.revision.number == published + 2
    assert desk.another().read("flowers") == repeated


def test_revision_numbers_are_counted_as_numbers(desk: Desk) -> None:
    for _ in range(11):
        desk.publish("blue")
    desk.store.write(Container.ENDPOINTS, "flowers/revisions/notes.txt", b"")
    assert desk.publish("blue").revision.number == 12


def test_an_endpoint_whose_name_begins_like_another_keeps_its_own_numbers(desk: Desk) -> None:
    other = desk.draft("blue").model_copy(update={"name": "flowers-2"})
    for number in (1, 2):
        assert desk.changes.publish(other, Author("ann", NOW)).revision.number == number
    assert desk.publish("blue").revision.number == 1


def test_every_change_is_audited_with_who_and_when(desk: Desk) -> None:
    desk.publish("blue", "green", traffic={"blue": 100})
    desk.changes.set_traffic("flowers", {"green": 100}, Author("bob", LATER))
    with pytest.raises(InvalidTransition):
        desk.changes.set_traffic("flowers", {"green": 1}, Author("eve", LATER))
    newest, oldest = audit.entries(desk.store, "flowers", 10).entries
    assert (oldest.change, oldest.by, oldest.at, oldest.before) == ("publish", "ann", NOW, None)
    assert (newest.change, newest.by, newest.at) == ("traffic", "bob", LATER)
    assert newest.before is not None
    assert newest.after is not None
    assert (newest.before.traffic, newest.after.traffic) == ({"blue": 100}, {"green": 100})


def test_two_changes_at_one_moment_are_both_audited(desk: Desk) -> None:
    desk.publish("blue")
    desk.publish("blue")
    assert len(desk.blobs(Container.AUDIT)) == 2


@pytest.mark.parametrize("traffic", [{"blue": 99}, {"red": 100}, {"blue": 150, "green": -50}])
def test_traffic_that_is_not_allowed_changes_nothing(desk: Desk, traffic: dict[str, int]) -> None:
    published = desk.publish("blue", "green", traffic={"blue": 100})
    with pytest.raises(InvalidTransition):
        desk.changes.set_traffic("flowers", traffic, Author("bob", LATER))
    assert desk.catalog.read("flowers") == published


def test_traffic_is_changed_from_what_is_in_storage_now_and_not_from_what_is_kept(desk: Desk) -> None:
    desk.publish("blue", traffic={"blue": 100})
    desk.catalog.read("flowers")
    desk.publish("blue", "green")
    assert desk.changes.set_traffic("flowers", {"green": 100}, Author("bob", LATER)).head.revision == 2


def test_a_broken_revision_is_healed_by_publishing_again(desk: Desk) -> None:
    desk.publish("blue", traffic={"blue": 100})
    desk.store.write(Container.ENDPOINTS, "flowers/revisions/1.json", b"{")
    with pytest.raises(ConfigurationError):
        desk.another().read("flowers")
    desk.publish("blue")
    assert desk.another().read("flowers").head.traffic == {"blue": 100}
