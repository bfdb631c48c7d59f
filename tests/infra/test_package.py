"""What is deployed: the app and nothing else. `make package` runs the demo on it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.infra.template import ROOT

SCRIPT = ROOT / "infra" / "package.py"
APP = {"function_app.py", "host.json", "requirements.txt", "constraints.txt", ".funcignore"}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    archive = tmp_path_factory.mktemp("package") / "app.zip"
    subprocess.run([sys.executable, str(SCRIPT), str(archive)], check=True, capture_output=True)
    with zipfile.ZipFile(archive) as packed:
        return packed.namelist()


def test_the_package_is_the_app(names: list[str]) -> None:
    assert {name for name in names if not name.startswith("shared/")} == APP
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "shared").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules | {"function_app.py"}


def test_no_settings_of_a_machine_are_in_it(names: list[str]) -> None:
    assert not [name for name in names if "settings.json" in name or name.endswith((".env", ".pem", ".key"))]


def test_what_is_ignored_stays_out_and_what_is_new_comes_in(tmp_path: Path) -> None:
    checkout, archive = tmp_path / "checkout", tmp_path / "app.zip"
    (checkout / "infra").mkdir(parents=True)
    (checkout / "infra" / "package.py").write_bytes(SCRIPT.read_bytes())
    (checkout / ".funcignore").write_text("infra/\n.funcignore\n")
    (checkout / ".gitignore").write_text("*.pyc\n")
    (checkout / "new.py").touch()
    (checkout / "old.pyc").touch()
    subprocess.run(["git", "init", "--quiet"], cwd=checkout, check=True)
    subprocess.run([sys.executable, "infra/package.py", str(archive)], cwd=checkout, check=True)
    with zipfile.ZipFile(archive) as packed:
        assert packed.namelist() == [".gitignore", "new.py"]
