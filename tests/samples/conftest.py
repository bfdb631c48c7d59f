"""The flights once, and one training on a sample of them as a person starts it, for all tests here."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from samples.flights import data
from samples.flights.report import Report

ROOT = Path(__file__).parents[2]
SAMPLE = 40_000


class Training(NamedTuple):
    """A finished `python -m samples.flights.train`, started in the empty folder `started_in` with a new home."""

    out: Path
    home: Path
    started_in: Path
    printed: str
    warned: str

    @property
    def report(self) -> Report:
        report = Report.read(self.out / "report.json")
        assert report is not None
        return report

    def again(self) -> str:
        """The same command once more: what it prints."""
        return run(self.out, self.home, self.started_in).stdout


def run(out: Path, home: Path, started_in: Path) -> subprocess.CompletedProcess[str]:
    switches = {"ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in switches}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "samples.flights.train", "--out", out, "--sample", str(SAMPLE)],
        cwd=started_in,
        env=environment | {"HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    home, started_in, out = (tmp_path_factory.mktemp(name) for name in ("home", "started_in", "out"))
    done = run(out, home, started_in)
    return Training(out, home, started_in, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def flights() -> pd.DataFrame:
    return data.load()
