"""Small jobs survive all that can happen to them, as far as a test may look; and what the exploration would find."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.batch.scored import score_table
from tests.exploration import defects, exploring
from tests.exploration.defects import Defect
from tests.exploration.execution import Choice, Execution
from tests.exploration.scenario import Bounds, Scenario
from tests.exploration.scenarios import every
from tests.exploration.schedule import Replay, read, written
from tests.exploration.search import Search
from tests.exploration.stepping import Mode
from tests.exploration.world import stage
from tests.exploration.worlds import Worlds

_PROCESSES = 2


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with stage(), ThreadPoolExecutor(exploring.ACTORS) as pool:
        yield pool


@pytest.fixture(scope="module")
def scenarios(pool: ThreadPoolExecutor, iris_folder: Path) -> dict[str, Scenario]:
    return {each.name: each for each in every(Worlds(iris_folder))}


def test_no_schedule_and_no_fault_harms_a_job(iris_folder: Path) -> None:
    tasks = exploring.tasks(iris_folder, None, thorough=False)
    reports = list(exploring.run(iris_folder, tasks, _PROCESSES))
    assert [str(report) for report in reports if report.found.violation] == []
    assert len(reports) == len(tasks)
    # None of them is empty: each has seen more than one end, or more than one way to it.
    assert [report.scenario for report in reports if report.found.executions < 10] == []


@pytest.mark.parametrize("defect", defects.ALL, ids=lambda defect: defect.name)
def test_a_planted_defect_is_found(
    scenarios: dict[str, Scenario], pool: ThreadPoolExecutor, iris_folder: Path, defect: Defect
) -> None:
    scenario = scenarios[defect.scenario]
    with defects.planted(defect):
        found = Search(scenario, scenario.start, defect.bounds, pool).run()
        assert defect.told in found.violation
        # The same schedule leads there again.
        assert defect.told in exploring.replay(iris_folder, defect.scenario, written(found.choices))


def test_what_is_remembered_of_scoring_is_what_scoring_does(
    scenarios: dict[str, Scenario], pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = scenarios["alone-two"]

    def happened() -> tuple[list[str], object]:
        every_step = Search(scenario, scenario.start, Bounds(0, 0), pool)
        execution = Execution(scenario.start.again(), scenario.parts, every_step, pool)
        execution.run()
        return [str(each.step) for each in execution.happened], execution.world.state

    remembered = happened()
    monkeypatch.setattr("shared.batch.mini_batch.score_table", score_table)
    assert happened() == remembered


def test_a_schedule_is_read_as_it_was_written() -> None:
    choices = [Choice("a", Mode.OK)] * 3 + [Choice("b", Mode.AFTER)] * 2 + [Choice("a", Mode.OK), Choice("b", Mode.DIE)]
    assert written(choices) == "a*3 b:after b:after a*1 b:die"
    assert list(read(written(choices))) == choices


def test_a_schedule_that_asks_for_what_cannot_be_is_refused(
    scenarios: dict[str, Scenario], pool: ThreadPoolExecutor
) -> None:
    scenario = scenarios["retried"]
    execution = Execution(scenario.start.again(), scenario.parts, Replay(read("retry*1")), pool)
    execution.run()
    assert "retry has nothing to do here" in execution.violation
