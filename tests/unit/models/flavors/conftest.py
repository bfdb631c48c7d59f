"""What tests of the workers share."""

import logging
from collections.abc import Iterator

import pytest

from tests.unit.models.flavors.scripts import LOGGER, Log


@pytest.fixture
def log() -> Iterator[Log]:
    handler = Log()
    logger = logging.getLogger(LOGGER)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
