"""What a person at the terminal sees of long work: which step runs, and how long each took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Steps:
    """Runs named steps one after another; `seconds` holds what each took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Shows `name` while the block runs, and a line with its seconds afterwards."""
        started = time.perf_counter()
        with self._console.status(f"{name} …"):
            yield
        self.seconds[name] = round(time.perf_counter() - started, 2)
        self._console.print(f"  {name} [dim]{self.seconds[name]:.1f} s[/dim]", highlight=False)
