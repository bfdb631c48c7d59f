"""What the run has started: addresses, tokens, samples. These tests run in the clients' own environment."""

import sys
from collections.abc import Callable

import pytest

from tests.conformance.handover import Handover, Sample

# KServe's package reads the options of its server from here while it is imported, and would take pytest's for its own.
sys.argv = sys.argv[:1]


@pytest.fixture(scope="session")
def told() -> Handover:
    return Handover.read()


@pytest.fixture(scope="session")
def sample(told: Handover) -> Callable[[str], Sample]:
    """The sample of an endpoint; fails with the reason where its model was not published."""

    def find(endpoint: str) -> Sample:
        if endpoint in told.missing:
            pytest.fail(f"{endpoint} was not published: {told.missing[endpoint]}")
        return told.samples[endpoint]

    return find


@pytest.fixture
def headers(told: Handover) -> dict[str, str]:
    """New for every test: some clients write into what they are given."""
    return {"Authorization": f"Bearer {told.token}"}
