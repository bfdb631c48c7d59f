"""What happened and when: for the person who watches, for the file that explains a failure, and for the verdict."""

import threading
import time
from collections import Counter
from pathlib import Path


class Journal:
    """`tried`, `hits`: how often each kind of fault was let loose, and how often it was seen to have an effect.

    Safe with threads.
    """

    def __init__(self, path: Path) -> None:
        self.tried: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        self.problems: list[str] = []
        self._started = time.monotonic()
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", buffering=1)

    def say(self, line: str) -> None:
        """On the terminal and in the file."""
        with self._lock:
            stamped = self._write(line)
            print(stamped, flush=True)

    def note(self, line: str) -> None:
        """In the file alone, where every single hit is told."""
        with self._lock:
            self._write(line)

    def hit(self, kind: str, effect: str) -> None:
        with self._lock:
            self.hits[kind] += 1
            self._write(f"hit: {kind}: {effect}")

    def problem(self, line: str) -> None:
        self.problems.append(line)
        self.say(f"PROBLEM: {line}")

    def close(self) -> None:
        self._file.close()

    def _write(self, line: str) -> str:
        stamped = f"{time.monotonic() - self._started:7.1f} s  {line}"
        self._file.write(f"{stamped}\n")
        return stamped
