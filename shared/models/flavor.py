"""What a loaded model is to those who call it, whatever kind it is of."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from shared.models.signature import Array, Features, Output, Params


class Runtime(NamedTuple):
    """What a deployment says of the processes that its foreign code runs in.

    `environment`: the name of a virtual environment, "" for the app's own packages; `variables`: name and value.
    """

    environment: str = ""
    variables: tuple[tuple[str, str], ...] = ()
    workers: int = 1


class Abort:
    """How a call that nobody waits for any more is stopped. Set from any thread, once.

    `grace_s`: how long a call may go on since it began, all the same, where stopping it does harm to others.
    """

    def __init__(self, grace_s: float = 0.0) -> None:
        self.grace_s = grace_s
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        self.fired = False

    def on_fire(self, stop: Callable[[], None] | None) -> None:
        """What stops the call that begins now; None when it has ended. Called at once where it is too late already."""
        with self._lock:
            self._stop = stop
            too_late = self.fired
        if too_late and stop is not None:
            stop()

    def fire(self) -> None:
        with self._lock:
            self.fired = True
            stop = self._stop
        if stop is not None:
            stop()


class Flavor(Protocol):
    """A model that predicts.

    `lanes`: how many calls it takes at once; `size_bytes`: memory it holds; `in_process`: whether a short call may
    be made on the event loop.
    """

    outputs: tuple[Output, ...]
    size_bytes: int
    lanes: int
    in_process: bool

    def predict(self, features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        """Output name to array, `[rows]` or `[rows, ...]`; `[rows, 1]` comes as `[rows]`. Blocks.

        Without `abort` the call cannot be stopped. Raises ScoringFailed when the model raises, ScoringTimeout when
        `abort` was fired, ModelNotReady when the model is gone.
        """
        ...

    def close(self) -> None:
        """Lets go of what it holds, once no call is running."""
        ...


class RawCall(NamedTuple):
    """An HTTP request as score.py gets it. Header names in lower case."""

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class RawReply(NamedTuple):
    """What score.py answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class FilesAnswer(NamedTuple):
    """What score.py's `run(mini_batch)` returned, and the files that it wrote.

    `outputs`: by column, `[rows]` or `[rows, ...]`; `rows` need not be the number of files that were given. `written`:
    where each file lies now, by its path below AZUREML_BI_OUTPUT_PATH, all in `folder`, which the caller removes.
    """

    rows: int
    outputs: dict[str, Array]
    written: dict[str, Path]
    folder: Path


class Script(Protocol):
    """Azure ML's score.py: it takes whole requests or mini-batches of files, and knows of no signature."""

    size_bytes: int
    lanes: int

    def run(self, call: RawCall, abort: Abort | None) -> RawReply:
        """Blocks. Raises ScoringTimeout when `abort` was fired, ModelNotReady when the process is gone."""
        ...

    def run_files(self, paths: Sequence[Path], abort: Abort | None) -> FilesAnswer:
        """As `run`, and raises ScoringFailed when the script raises, or returns what is no table or list."""
        ...

    def close(self) -> None: ...
