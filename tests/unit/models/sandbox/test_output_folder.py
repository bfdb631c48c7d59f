"""The worker's side of AZUREML_BI_OUTPUT_PATH: how many files a call may write, and whose folders are cleared."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.models.sandbox import output_folder
from shared.models.sandbox.output_folder import VARIABLE, OutputFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OutputFolder:
    monkeypatch.setenv(VARIABLE, "")  # so that it is set back
    monkeypatch.setattr(output_folder, "MOST_FILES", 3)
    return OutputFolder(str(tmp_path / "written"))


def test_no_more_files_are_handed_over_than_a_call_may_write(folder: OutputFolder, tmp_path: Path) -> None:
    own = Path(os.environ[VARIABLE])
    for name in ("a", "b/c", "b/d"):
        (own / name).parent.mkdir(exist_ok=True)
        (own / name).touch()
    folder.hand_over(str(tmp_path / "there"))
    there = tmp_path / "there"
    assert sorted(str(path.relative_to(there)) for path in there.rglob("*")) == ["a", "b", "b/c", "b/d"]
    for number in range(4):
        (own / str(number)).touch()
    with pytest.raises(ValueError, match="wrote more than 3 files: write larger ones, or take fewer at once"):
        folder.hand_over(str(tmp_path / "nowhere"))
    folder.clear()
    folder.hand_over(str(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_folders_of_workers_that_have_ended_are_cleared(folder: OutputFolder, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    written, running = tmp_path / "written", str(os.getppid())
    for name in (str(ended.pid), running, "nobody's"):
        (written / name).mkdir()
        (written / name / "file").touch()
    OutputFolder(str(written))
    assert sorted(path.name for path in written.iterdir()) == sorted([str(os.getpid()), running])
    assert (written / running / "file").exists()
