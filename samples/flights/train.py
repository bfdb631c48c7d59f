"""`python -m samples.flights.train`: makes sure that the models are there, trained from what is here.

Nothing is done where the outputs were made from the same data, code and libraries. What needs pandas or
scikit-learn is imported only once there is something to train, so that the second run takes no time.
"""

import argparse
import fcntl
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console

from samples.flights import sources
from samples.flights.report import ConversionError, Report
from samples.flights.steps import Steps

DEFAULT_OUT: Final = Path("build/flights")
MODEL_NAMES: Final = ("blue", "green")
CARRIERS: Final = "carriers"
"""The package of one model a carrier."""


def ensure_trained(
    out: Path, console: Console, *, sample: int | None = None, force: bool = False
) -> tuple[Report, bool]:
    """The report on the models in `out`/models, and whether they were trained now.

    The report is what makes models count: it goes first and comes last, so a training that is killed leaves
    the old models or the new ones, and is done again. Two trainings of one `out` take turns.
    """
    with _alone_in(out):
        digest = sources.digest(sample)
        report = Report.read(out / "report.json")
        if report is not None and report.sources == digest and _complete(out / "models") and not force:
            return report, False
        return _train(out, sample, digest, console), True


def _train(out: Path, sample: int | None, digest: str, console: Console) -> Report:
    from samples.flights import training

    staging = out / ".training"
    shutil.rmtree(staging, ignore_errors=True)
    report = training.train(staging / "models", sample, digest, Steps(console))
    (staging / "report.json").write_text(report.model_dump_json(indent=2) + "\n")
    _replace(staging, out)
    return report


def _replace(staging: Path, out: Path) -> None:
    (out / "report.json").unlink(missing_ok=True)
    if (out / "models").exists():
        (out / "models").rename(staging / "replaced")
    (staging / "models").rename(out / "models")
    (staging / "report.json").rename(out / "report.json")
    shutil.rmtree(staging)


def _complete(models: Path) -> bool:
    files = [*(models / name / "MLmodel" for name in MODEL_NAMES), models / CARRIERS / "segments.yaml"]
    return all(file.is_file() for file in files)


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m samples.flights.train", description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder for the models and report.json")
    parser.add_argument("--sample", type=int, help="train and test on this many flights only")
    parser.add_argument("--force", action="store_true", help="train even if nothing has changed")
    given = parser.parse_args(arguments)
    console = Console()
    try:
        report, trained_now = ensure_trained(given.out, console, sample=given.sample, force=given.force)
    except (ConversionError, FileNotFoundError) as error:
        sys.exit(f"Nothing was trained: {error}")
    if not trained_now:
        console.print("Nothing has changed since the last training.")
    console.print(report.table())
    console.print(f"Models: {given.out / 'models'}")


if __name__ == "__main__":
    main()
