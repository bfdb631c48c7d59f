"""The folder that Azure ML's batch scripts write to, AZUREML_BI_OUTPUT_PATH: one a worker, emptied before each call."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

VARIABLE = "AZUREML_BI_OUTPUT_PATH"
# That one call may write.
MOST_FILES = 10_000


class OutputFolder:
    """Made below `parent`, where the workers of one model have theirs, and named to whatever the script does."""

    def __init__(self, parent: str) -> None:
        self._path = os.path.join(parent, str(os.getpid()))
        _remove_left_behind(parent)
        shutil.rmtree(self._path, ignore_errors=True)
        os.makedirs(self._path)
        self._own: list[str] = []
        os.environ[VARIABLE] = self._path

    def keep_folders(self) -> None:
        """What the script's init() has made there is there for each call, too."""
        self._own = [folder for folder, _ in _below(self._path)]

    def clear(self) -> None:
        """As it was after init(), without any file: what a call that failed has left is not the next one's."""
        shutil.rmtree(self._path, ignore_errors=True)
        for folder in (self._path, *self._own):
            os.makedirs(folder, exist_ok=True)

    def hand_over(self, folder: str) -> None:
        """Moves all files into `folder`, at the same places. Raises ValueError when there are too many."""
        count = 0
        for here, names in _below(self._path):
            count += len(names)
            if count > MOST_FILES:
                raise ValueError(f"run() wrote more than {MOST_FILES} files: write larger ones, or take fewer at once")
            there = os.path.join(folder, os.path.relpath(here, self._path))
            if names:
                os.makedirs(there, exist_ok=True)
            for name in names:
                shutil.move(os.path.join(here, name), os.path.join(there, name))


def _below(path: str) -> Iterator[tuple[str, list[str]]]:
    """Each folder with what lies in it and is no folder; a link to one is none."""
    for here, folders, files in os.walk(path):
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        yield here, files + links


def _remove_left_behind(parent: str) -> None:
    """What workers that were ended have written, which can be much."""
    os.makedirs(parent, exist_ok=True)
    for name in os.listdir(parent):
        if not _is_running(name):
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (OSError, ValueError):
        return False
    return True
