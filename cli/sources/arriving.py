"""A folder that is whole under its name, or not there: what is killed half-way keeps another one."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Arriving(NamedTuple):
    """`partial`: to be filled; `folder`: where it lies afterwards."""

    partial: Path
    folder: Path


@contextmanager
def arriving(into: Path, name: str) -> Iterator[Arriving]:
    """A new folder below `into`, which belongs to the caller. What raises inside leaves nothing behind."""
    into.mkdir(parents=True, exist_ok=True)
    holder = Path(tempfile.mkdtemp(dir=into))
    try:
        partial = holder / f"{name}.partial"
        partial.mkdir()
        yield Arriving(partial, holder / name)
        partial.rename(holder / name)
    except BaseException:
        shutil.rmtree(holder, ignore_errors=True)
        raise
