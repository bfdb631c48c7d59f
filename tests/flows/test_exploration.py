"""Small jobs explored as far as CI may go: `make explore` goes on from here, and plants defects that it must find."""

from pathlib import Path

import pytest

from tests.exploration import exploring


@pytest.mark.parametrize("scenario", ["alone-two", "alone-fails", "alone-one-file", "lost"])
def test_no_schedule_and_no_fault_harms_a_job(iris_folder: Path, scenario: str) -> None:
    tasks = exploring.tasks(iris_folder, scenario, thorough=False)
    reports = list(exploring.run(iris_folder, tasks, 2))
    assert [str(report) for report in reports if report.found.violation] == []
    assert len(reports) == len(tasks) > 0
    assert min(report.found.executions for report in reports) >= 10
