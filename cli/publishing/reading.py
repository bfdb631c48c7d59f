"""A file as it is read by an upload: its digest, how far it is, and where it is to stop."""

import hashlib
from collections.abc import Callable
from concurrent.futures import CancelledError
from threading import Event
from typing import BinaryIO


class Reading:
    """`progress` is told bytes as they are read; once `stop` is set nothing more is."""

    def __init__(self, file: BinaryIO, progress: Callable[[int], None], stop: Event) -> None:
        self._file = file
        self._progress = progress
        self._stop = stop
        self._digest = hashlib.sha256()

    def read(self, size_bytes: int = -1) -> bytes:
        """Raises CancelledError."""
        if self._stop.is_set():
            raise CancelledError
        data = self._file.read(size_bytes)
        self._digest.update(data)
        self._progress(len(data))
        return data

    @property
    def sha256(self) -> str:
        """Of what was read, in its order."""
        return self._digest.hexdigest()
