"""What the clocks need of the machine, told in one line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devhost.errors import HostError
from tests.chaos import clock
from tests.chaos.clock import FakeClock, find_library


def test_an_offset_is_in_the_file_that_the_library_is_told_of(tmp_path: Path) -> None:
    fake = FakeClock(Path("/lib/some.so"), tmp_path / "offset")
    file = Path(fake.environ["FAKETIME_TIMESTAMP_FILE"])
    assert (file.read_text(), fake.environ["LD_PRELOAD"]) == ("+0\n", "/lib/some.so")
    fake.put(3600)
    assert file.read_text() == "+3600\n"
    fake.put(-7200)
    assert (file.read_text(), fake.offset_s) == ("-7200\n", -7200)


def test_without_the_library_the_run_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_LIBRARY", "nowhere/libfaketimeMT.so.1")
    monkeypatch.setattr("tests.chaos.clock.shutil.which", lambda name: None)
    with pytest.raises(HostError, match="libfaketime is not installed: run `apt-get install libfaketime` as root"):
        find_library()


def test_what_a_killed_process_left_in_shared_memory_goes(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        left = Path("/dev/shm") / f"faketime_shm_{child.pid}"
        left.touch()
        os.kill(child.pid, signal.SIGKILL)
    clock.clear_up(child.pid)
    clock.clear_up(child.pid)
    assert not left.exists()


def test_a_faked_python_sleeps_in_its_own_way(tmp_path: Path) -> None:
    fake = FakeClock(Path("/lib/some.so"), tmp_path / "offset", "/modules")
    assert fake.environ["PYTHONPATH"].endswith(f"{os.pathsep}/modules")
    program = "import time; time.sleep(0.001); print(type(time.sleep).__name__); time.sleep(-1)"
    environ = {"PYTHONPATH": fake.environ["PYTHONPATH"]}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True)
    assert done.stdout == "function\n"
    assert done.stderr.endswith("ValueError: sleep length must be non-negative\n")


def test_a_library_that_does_not_load_is_one_clear_line(tmp_path: Path) -> None:
    fake = FakeClock(tmp_path / "nothing.so", tmp_path / "offset")
    with pytest.raises(HostError, match="libfaketime does not fake this Python's clock"):
        fake.check()
    assert fake.offset_s == 0
