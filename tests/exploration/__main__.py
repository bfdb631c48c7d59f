"""Explores all scenarios, or replays one schedule: `python -m tests.exploration --help`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.exploration import exploring
from tests.support import iris


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exploration", description=__doc__)
    parser.add_argument("--scenario", help="only this one")
    parser.add_argument("--schedule", help="replay this one instead of exploring")
    parser.add_argument("--quick", action="store_true", help="as far as the tests go")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="slipway-explore-") as temporary:
        folder = Path(temporary) / "iris"
        iris.save(folder)
        if asked.schedule is not None:
            wrong = exploring.replay(folder, asked.scenario, asked.schedule)
            print(wrong or "nothing is wrong with that")
            return 1 if wrong else 0
        return _explore(folder, asked)


def _explore(folder: Path, asked: argparse.Namespace) -> int:
    executions = violations = 0
    tasks = exploring.tasks(folder, asked.scenario, thorough=not asked.quick)
    for done, report in enumerate(exploring.run(folder, tasks, asked.processes), start=1):
        executions += report.found.executions
        violations += bool(report.found.violation)
        print(f"{done:3} of {len(tasks)}  {report}", flush=True)
    print(f"{executions:,} executions, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
