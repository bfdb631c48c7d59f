"""Publishing and going back, where the app says from where models that run code may come."""

import pytest

from shared.endpoints.audit import Author
from shared.endpoints.changes import Changes
from shared.errors import InvalidTransition, SourceNotAllowed
from shared.models.package import ModelPackage, ModelRef, Origin, PackagedModel, digest_of, package_path
from shared.models.signature import Signature
from shared.ports import Container
from tests.unit.endpoints.desk import Desk
from tests.unit.endpoints.documents import NOW

ANN = Author("ann", NOW)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def upload(desk: Desk, version: str, resolved: str) -> None:
    """A pyfunc model from there, which the desk's drafts serve from now on."""
    package = ModelPackage(
        name="iris",
        version=version,
        signature=Signature(),
        model=PackagedModel(flavor="pyfunc"),
        files=(),
        origin=Origin(uri="as written", resolved=resolved),
    )
    desk.store.write(Container.MODELS, package_path("iris", version), package.to_bytes())
    desk.ref = ModelRef("iris", version, digest_of(package.to_bytes()))


def strict(desk: Desk) -> Changes:
    return Changes(desk.store, desk.catalog, code_sources=("models:/",))


def test_a_model_from_elsewhere_is_refused_and_leaves_nothing_behind(desk: Desk) -> None:
    upload(desk, "1", "")
    with pytest.raises(SourceNotAllowed, match=r"deployment 'green'.*SLIPWAY_CODE_SOURCES.*it is from file:"):
        strict(desk).publish(desk.draft("green"), ANN)
    assert desk.blobs(Container.ENDPOINTS) == desk.blobs(Container.AUDIT) == []
    upload(desk, "1", "models:/iris/4")
    assert strict(desk).publish(desk.draft("green"), ANN).revision.number == 1


def test_there_is_no_way_back_to_it_either(desk: Desk) -> None:
    upload(desk, "1", "")
    desk.publish("blue", traffic={"blue": 100})
    upload(desk, "2", "models:/iris/4")
    assert strict(desk).publish(desk.draft("blue"), ANN).head.revision == 2
    with pytest.raises(SourceNotAllowed):
        strict(desk).roll_back("flowers", 1, None, ANN)
    assert desk.another().read("flowers").head.revision == 2
    assert desk.changes.roll_back("flowers", 1, None, ANN).head.revision == 1


def test_a_package_that_cannot_be_read_is_refused_where_its_source_counts(desk: Desk) -> None:
    with pytest.raises(InvalidTransition, match="the package of model iris/1 cannot be read: publish a new version"):
        strict(desk).publish(desk.draft("blue"), ANN)
    assert desk.changes.publish(desk.draft("blue"), ANN).revision.number == 1
