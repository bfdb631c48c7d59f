"""What tests of the workers share."""

from collections.abc import Iterator

import pytest

from tests.unit.models.flavors.scripts import Log, logged


@pytest.fixture
def log() -> Iterator[Log]:
    with logged() as handler:
        yield handler
