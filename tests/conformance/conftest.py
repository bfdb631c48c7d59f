"""What the run has started: addresses, tokens, samples. These tests run in the clients' own environment."""

import os
import sys
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version

import pytest

from tests.conformance.handover import VARIABLE, Handover, Sample

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


_CLIENTS = {
    "test_triton": "tritonclient",
    "test_kserve": "kserve",
    "test_mlflow_client": "mlflow-skinny",
    "test_mlflow_table": "mlflow-skinny",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each file of client tests: the client, its version, and how its tests went."""
    if VARIABLE not in os.environ:
        return
    counts: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            file = report.nodeid.partition("::")[0].rpartition("/")[2].removesuffix(".py")
            counts.setdefault(file, Counter())[outcome] += 1
    for file, outcomes in counts.items():
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        terminalreporter.write_line(f"{file.removeprefix('test_'):16} {_client(file):22} {told}")


def _client(file: str) -> str:
    name = next((name for prefix, name in _CLIENTS.items() if file.startswith(prefix)), "")
    return f"{name} {version(name)}" if name else "plain HTTP"
