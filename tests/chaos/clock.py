"""A host's clock, put forward and back by libfaketime while the host runs."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from devhost.errors import HostError

_LIBRARY: Final = "lib*/*/faketime/libfaketimeMT.so.1"
_FAKED: Final = Path(__file__).parent / "faked"
_HOUR_S: Final = 3600
_LEFT_BEHIND: Final = ("faketime_shm_{pid}", "sem.faketime_sem_{pid}")


def find_library() -> Path:
    """Installs it where that can be done. Raises HostError."""
    if found := _find():
        return found
    apt = shutil.which("apt-get")
    if apt is not None and os.geteuid() == 0:
        for arguments in (["update", "-qq"], ["install", "-qq", "-y", "libfaketime"]):
            subprocess.run([apt, *arguments], check=False, capture_output=True)
        if found := _find():
            return found
    raise HostError("libfaketime is not installed: run `apt-get install libfaketime` as root, or your system's like")


def _find() -> Path | None:
    return next((path for root in ("/usr", "/") for path in sorted(Path(root).glob(_LIBRARY))), None)


class FakeClock:
    """How far one host's clock is off, in a file that the library reads whenever the host asks for the time.

    `python_path`: where the process finds its modules.
    """

    def __init__(self, library: Path, file: Path, python_path: str = "") -> None:
        self.offset_s = 0
        self._file = file
        self.environ = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_FAKED), python_path])),
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file.resolve()),
            "FAKETIME_NO_CACHE": "1",
            # Clocks that are put forward and back are those of the wall; a machine's own goes on.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            # Otherwise every wait with a timeout becomes a busy loop.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        self.put(0)

    def check(self) -> None:
        """Raises HostError where Python does not take the library."""
        self.put(_HOUR_S)
        program = (
            "import time; before = time.monotonic(); time.sleep(0.1); print(time.time(), time.monotonic() - before)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.put(0)
        told = done.stdout.split()
        if done.returncode or abs(float(told[0]) - time.time() - _HOUR_S) > 60 or not 0.09 < float(told[1]) < 10:
            reason = (done.stderr.strip().splitlines() or [f"it told {told}"])[-1]
            raise HostError(f"libfaketime does not fake this Python's clock: {reason}")

    def put(self, offset_s: int) -> None:
        """In one step: the file is never half written."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{offset_s:+d}\n")
        fresh.replace(self._file)
        self.offset_s = offset_s


def clear_up(pid: int) -> None:
    """What the library leaves in shared memory when its process is killed, for the next one of this id to trip over."""
    for name in _LEFT_BEHIND:
        Path("/dev/shm", name.format(pid=pid)).unlink(missing_ok=True)
