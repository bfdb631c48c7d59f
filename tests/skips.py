"""The tests that may be skipped, and why. Any other skip fails the run."""

from typing import Final

import pytest

ALLOWED: Final = {
    "tests/contract/test_published_schemas.py": (
        "host.json's and local.settings.json's schemas are published on a web site and in no package registry: "
        "set SLIPWAY_SCHEMAS to a folder that holds them"
    ),
    "tests/infra/test_checkers.py": (
        "the Bicep compiler and Microsoft's published resource types are in no package registry; "
        "`make infra` brings checkov"
    ),
}
_unlisted: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail") and report.nodeid.partition("::")[0] not in ALLOWED:
        _unlisted.append(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped and report.nodeid.partition("::")[0] not in ALLOWED:
        _unlisted.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _unlisted:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for nodeid in _unlisted:
        terminalreporter.write_line(f"FAILED {nodeid} was skipped, and is not on the list in tests/skips.py", red=True)
