"""Workers that crash, hang, print without end or start processes of their own: the app stays, and so do its calls."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.errors import ModelNotReady, ScoringFailed, ScoringTimeout, SlipwayError
from shared.models.flavor import Abort, RawCall
from shared.models.flavors.script import SandboxedScript
from shared.models.flavors.worker_environment import WorkerSpec
from tests.unit.models.flavors.scripts import CHILD, HANG, LINES, Log, answer, load, post, running, wait_for_exit

PID = "result = os.getpid()"


@pytest.fixture
def script(tmp_path: Path, log: Log) -> Iterator[SandboxedScript]:
    with running(tmp_path, LINES) as script:
        log.wait_for("is ready")
        yield script


class Calling(threading.Thread):
    """A call in a thread of its own, and what becomes of it."""

    def __init__(self, script: SandboxedScript, lines: str) -> None:
        super().__init__()
        self.abort = Abort()
        self.error: SlipwayError | None = None
        self._work: Callable[[], object] = lambda: script.run(RawCall("POST", "", {}, lines.encode()), self.abort)
        self.start()

    def run(self) -> None:
        try:
            self._work()
        except SlipwayError as error:
            self.error = error


def test_a_worker_killed_in_the_middle_of_a_call_fails_that_call_and_is_replaced(
    script: SandboxedScript, log: Log
) -> None:
    calling = Calling(script, HANG)
    pid = int(log.wait_for("hanging").split()[-1])
    os.kill(pid, signal.SIGKILL)
    calling.join()
    assert isinstance(calling.error, ScoringFailed)
    assert calling.error.message == (
        "the model's process ended (SIGKILL, as happens when memory runs out): its log tells more"
    )
    assert f"process {pid} ended: SIGKILL" in log.wait_for("ended")
    log.wait_for("is ready")
    assert answer(script, PID) != pid


def test_a_call_that_nobody_waits_for_is_stopped_at_once(script: SandboxedScript, log: Log) -> None:
    calling = Calling(script, HANG)
    pid = int(log.wait_for("hanging").split()[-1])
    calling.abort.fire()
    calling.join()
    assert isinstance(calling.error, ScoringTimeout)
    wait_for_exit(pid)
    log.wait_for("is ready")
    assert answer(script, PID) != pid


def test_a_call_given_up_before_it_began_is_not_begun(script: SandboxedScript) -> None:
    abort = Abort()
    abort.fire()
    with pytest.raises(ScoringTimeout):
        script.run(RawCall("POST", "", {}, b"os._exit(1)"), abort)
    assert answer(script, "result = 1") == 1


def test_giving_a_call_up_when_it_has_ended_harms_nobody(script: SandboxedScript) -> None:
    abort = Abort()
    pid = script.run(RawCall("POST", "", {}, PID.encode()), abort).body
    abort.fire()
    assert post(script, PID).body == pid


def test_a_call_that_waits_for_a_free_worker_can_be_given_up(script: SandboxedScript, log: Log) -> None:
    first = Calling(script, HANG)
    log.wait_for("hanging")
    second = Calling(script, PID)
    second.abort.fire()
    second.join()
    assert isinstance(second.error, ScoringTimeout)
    assert first.is_alive()
    first.abort.fire()
    first.join()


@pytest.mark.parametrize(
    ("lines", "ending"),
    [
        ("sys.exit(3)", "exit status 3"),
        ("os._exit(4)", "exit status 4"),
        ("os.abort()", "SIGABRT"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("os.closerange(3, 1000)", "exit status 1"),
    ],
)
def test_a_script_that_ends_its_process_fails_the_call(
    script: SandboxedScript, log: Log, lines: str, ending: str
) -> None:
    with pytest.raises(ScoringFailed) as caught:
        post(script, lines)
    assert caught.value.message == f"the model's process ended ({ending}): its log tells more"
    assert log.wait_for(" ended: ").endswith(f" ended: {ending}")
    log.wait_for("is ready")
    assert answer(script, "result = 1") == 1


def test_a_call_waits_for_the_worker_that_comes_in_the_place_of_one_that_ended(tmp_path: Path, log: Log) -> None:
    """The second start waits until it is told that it may."""
    gate = tmp_path / "gate"
    source = f"""
        import os
        def init():
            if os.path.exists({str(gate)!r}):
                open({str(gate)!r}).close()
        def run(raw_data): os._exit(1) if raw_data else None
    """
    with running(tmp_path / "package", source) as script:
        os.mkfifo(gate)
        with pytest.raises(ScoringFailed):
            post(script, "end")
        log.wait_for(" ended: ")
        calling = Calling(script, "")
        gate.open("w").close()
        calling.join()
        assert calling.error is None


def test_a_model_that_cannot_be_started_again_is_tried_ever_more_rarely(tmp_path: Path, log: Log) -> None:
    flag = tmp_path / "broken"
    source = f"""
        import os
        def init():
            if os.path.exists({str(flag)!r}): raise ValueError("broken now")
        def run(raw_data): os._exit(1)
    """
    with running(tmp_path / "package", source) as script:
        flag.touch()
        with pytest.raises(ScoringFailed):
            post(script)
        assert "ValueError: broken now; the next try is in 0.5 s" in log.wait_for("the next try")
        with pytest.raises(ModelNotReady, match="is being started again"):
            post(script)
        assert "ValueError: broken now; the next try is in 1 s" in log.wait_for("the next try")


def test_two_workers_are_two_lanes(tmp_path: Path, log: Log) -> None:
    with running(tmp_path, LINES, WorkerSpec(workers=2)) as script:
        assert script.lanes == 2
        hanging = Calling(script, HANG)
        pid = int(log.wait_for("hanging").split()[-1])
        assert answer(script, PID) not in (pid, os.getpid())
        os.kill(pid, signal.SIGKILL)
        hanging.join()
        assert answer(script, "result = 1") == 1


def test_many_calls_share_few_workers(tmp_path: Path) -> None:
    with running(tmp_path, LINES, WorkerSpec(workers=2)) as script:
        seen: list[int] = []
        threads = [threading.Thread(target=lambda: seen.append(answer(script, PID))) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 40
        assert len(set(seen)) <= 2


def test_processes_of_a_worker_end_with_it(script: SandboxedScript, log: Log) -> None:
    calling = Calling(script, f"print('child', subprocess.Popen({CHILD}).pid); {HANG}")
    child = int(log.wait_for("child").split()[-1])
    log.wait_for("hanging")
    calling.abort.fire()
    calling.join()
    wait_for_exit(child)


def test_processes_of_a_worker_that_ends_by_itself_end_too(script: SandboxedScript) -> None:
    child = answer(script, f"result = subprocess.Popen({CHILD}).pid")
    with pytest.raises(ScoringFailed):
        post(script, "os._exit(0)")
    wait_for_exit(child)


def test_closing_ends_workers_in_the_middle_of_a_call(tmp_path: Path, log: Log) -> None:
    script = load(tmp_path, LINES)
    calling = Calling(script, f"print('child', subprocess.Popen({CHILD}).pid); {HANG}")
    child = int(log.wait_for("child").split()[-1])
    pid = int(log.wait_for("hanging").split()[-1])
    script.close()
    calling.join()
    assert calling.error is not None
    wait_for_exit(pid)
    wait_for_exit(child)
    with pytest.raises(ModelNotReady):
        post(script)
