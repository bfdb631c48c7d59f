"""What a script writes below AZUREML_BI_OUTPUT_PATH: each call's own, whole, and gone where the call failed."""

import os
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest

from shared.errors import ScoringFailed, ScoringTimeout, SlipwayError
from shared.models.flavor import Abort
from shared.models.flavors.script import SandboxedScript
from shared.models.flavors.worker_environment import WorkerSpec
from tests.unit.models.flavors.scripts import Log, answer, load, running, wait_for_exit

# Runs the lines that each file holds, in the folder it may write to.
SOURCE = """
    import os, threading
    from pathlib import Path
    out = Path(os.environ["AZUREML_BI_OUTPUT_PATH"])
    def init():
        (out / "made" / "early").mkdir(parents=True)
        (out / "made" / "in init.txt").write_text("init")
    def run(mini_batch):
        if isinstance(mini_batch, str):
            exec(mini_batch)
            return os.environ["AZUREML_BI_OUTPUT_PATH"]
        for path in mini_batch:
            exec(Path(path).read_text())
        return [os.getpid()] * len(mini_batch)
"""
HANG = "(out / 'left').write_text('x'); print('hanging', os.getpid()); threading.Event().wait()"
LISTED = "(out / 'seen').write_text(' '.join(sorted(str(p.relative_to(out)) for p in out.rglob('*'))))"


@pytest.fixture
def script(tmp_path: Path, log: Log) -> Iterator[SandboxedScript]:
    with running(tmp_path / "package", SOURCE) as script:
        log.wait_for("is ready")
        yield script


def call(script: SandboxedScript, folder: Path, *lines: str, abort: Abort | None = None) -> dict[str, str]:
    """What was written, by name. The folder of the call is removed as its caller does it."""
    paths = [folder / f"{number}.py" for number in range(len(lines))]
    for path, each in zip(paths, lines, strict=True):
        path.write_text(each)
    answered = script.run_files(paths, abort)
    try:
        assert answered.rows == len(lines)
        assert all(path.parent.is_relative_to(answered.folder) for path in answered.written.values())
        return {name: path.read_text() for name, path in answered.written.items()}
    finally:
        shutil.rmtree(answered.folder)


def refused(script: SandboxedScript, folder: Path, lines: str) -> str:
    with pytest.raises(ScoringFailed) as caught:
        call(script, folder, lines)
    return caught.value.message


def test_files_are_handed_over_with_their_names_and_the_next_call_finds_none(
    script: SandboxedScript, tmp_path: Path
) -> None:
    write = "(out / 'deep' / 'er').mkdir(parents=True); (out / 'deep/er/ä b.csv').write_text('1'); open(out / 'a', 'w')"
    assert call(script, tmp_path, write) == {"deep/er/ä b.csv": "1", "a": ""}
    assert call(script, tmp_path, LISTED) == {"seen": "made made/early"}
    assert call(script, tmp_path, write) == {"deep/er/ä b.csv": "1", "a": ""}


def test_folders_of_init_stay_and_what_requests_wrote_does_not_come_along(
    script: SandboxedScript, tmp_path: Path
) -> None:
    assert answer(script, "(out / 'of a request').write_text('x')").endswith(str(os.sep + str(pid_of(script))))
    assert call(script, tmp_path, "(out / 'made/early/x').write_text('y')") == {"made/early/x": "y"}
    assert call(script, tmp_path, "__import__('shutil').rmtree(out)") == {}
    assert call(script, tmp_path, "(out / 'made/early/x').write_text('z')") == {"made/early/x": "z"}


def pid_of(script: SandboxedScript) -> int:
    path: str = answer(script, "")
    return int(Path(path).name)


def test_what_a_failed_call_has_left_is_not_the_next_ones(script: SandboxedScript, tmp_path: Path) -> None:
    assert "ZeroDivisionError" in refused(script, tmp_path, "(out / 'half').write_text('x'); 1 / 0")
    assert call(script, tmp_path, LISTED) == {"seen": "made made/early"}


@pytest.mark.parametrize(
    "lines",
    [
        "os.symlink('/etc/hostname', out / 'odd')",
        "os.symlink('/etc', out / 'odd')",
        "os.symlink('nowhere', out / 'odd')",
        "os.mkfifo(out / 'odd')",
    ],
)
def test_what_is_no_plain_file_is_refused(script: SandboxedScript, tmp_path: Path, lines: str) -> None:
    told = refused(script, tmp_path, lines)
    assert told == "the score.py wrote 'odd' below AZUREML_BI_OUTPUT_PATH: only files with plain names are kept"
    assert call(script, tmp_path, LISTED) == {"seen": "made made/early"}
    assert Path("/etc/hostname").exists()


@pytest.mark.parametrize("name", [b"a\nb", b"\xff", b"\x1b[31m"])
def test_a_name_that_cannot_be_shown_is_refused(script: SandboxedScript, tmp_path: Path, name: bytes) -> None:
    told = refused(script, tmp_path, f"open(os.fsencode(out) + b'/' + {name!r}, 'w')")
    assert told.isascii()
    assert "only files with plain names" in told


def test_the_app_counts_files_itself(script: SandboxedScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.models.flavors.script_files.MOST_FILES", 2)
    many = "[open(out / str(n), 'w').close() for n in range({})]"
    assert refused(script, tmp_path, many.format(3)) == "the score.py wrote more than 2 files for one mini-batch"
    assert len(call(script, tmp_path, many.format(2))) == 2


def test_each_of_two_workers_has_a_folder_and_each_call_its_files(tmp_path: Path) -> None:
    with running(tmp_path / "package", SOURCE, WorkerSpec(workers=2)) as script:

        def one(number: int) -> dict[str, str]:
            folder = tmp_path / str(number)
            folder.mkdir()
            return call(script, folder, f"(out / 'same').write_text('{number}')")

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(one, range(40))) == [{"same": str(number)} for number in range(40)]


def test_a_call_that_is_stopped_leaves_nothing_and_the_next_worker_clears_up(
    script: SandboxedScript, tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old, abort, errors = pid_of(script), Abort(), list[SlipwayError]()

    def calling() -> None:
        try:
            call(script, tmp_path, HANG, abort=abort)
        except SlipwayError as error:
            errors.append(error)

    thread = Thread(target=calling)
    thread.start()
    log.wait_for("hanging")
    abort.fire()
    thread.join()
    assert isinstance(errors[0], ScoringTimeout)
    wait_for_exit(old)
    assert not list(tmp_path.glob("slipway-written-*"))
    log.wait_for("is ready")
    folder = Path(answer(script, ""))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name] != [str(old)]
    assert call(script, tmp_path, LISTED) == {"seen": "made made/early"}


def test_a_worker_that_is_killed_fails_its_call(script: SandboxedScript, tmp_path: Path) -> None:
    told = refused(script, tmp_path, f"os.kill(os.getpid(), {int(signal.SIGKILL)})")
    assert told == "the model's process ended (SIGKILL, as happens when memory runs out): its log tells more"


def test_a_call_given_up_before_it_began_is_not_begun(script: SandboxedScript, tmp_path: Path) -> None:
    abort = Abort()
    abort.fire()
    with pytest.raises(ScoringTimeout):
        call(script, tmp_path, "os._exit(1)", abort=abort)
    assert call(script, tmp_path, "") == {}


def test_files_outlive_the_script_that_wrote_them(tmp_path: Path) -> None:
    script = load(tmp_path / "package", SOURCE)
    (tmp_path / "lines.py").write_text("(out / 'kept').write_text('here')")
    answered = script.run_files([tmp_path / "lines.py"], None)
    script.close()
    assert answered.written["kept"].read_text() == "here"
    shutil.rmtree(answered.folder)
