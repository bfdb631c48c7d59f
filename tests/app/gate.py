"""A model that stops in the middle of a call, until a test lets it go on."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from tests.app.client import until


class Gate:
    """A pipe: the model opens it to read, and is held there until whoever writes has closed it."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Waits for a model to come; it goes on at the end."""
        writer = until("a model at the gate", self._opened)
        try:
            yield
        finally:
            os.close(writer)

    def _opened(self) -> int | None:
        try:
            return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nobody reads
                return None
            raise
