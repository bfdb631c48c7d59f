"""What is deployed: the app and nothing else. `make package` runs the demo on it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.infra.template import ROOT

SCRIPT = ROOT / "infra" / "package.py"
APP = {"function_app.py", "host.json", "requirements.txt", "constraints.txt"}


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


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """With the script and nothing else in it."""
    root = tmp_path / "checkout"
    (root / "infra").mkdir(parents=True)
    (root / "infra" / "package.py").write_bytes(SCRIPT.read_bytes())
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return root


def packed(checkout: Path) -> list[str]:
    archive = checkout.parent / "app.zip"
    subprocess.run([sys.executable, "infra/package.py", str(archive)], cwd=checkout, check=True)
    with zipfile.ZipFile(archive) as package:
        return package.namelist()


def test_funcignore_alone_says_what_stays_out(checkout: Path) -> None:
    (checkout / ".funcignore").write_text("infra/\n.funcignore\n.git*\n*.pyc\n")
    (checkout / ".gitignore").write_text("ignored.py\n")
    for name in ("new.py", "ignored.py", "old.pyc"):
        (checkout / name).touch()
    assert packed(checkout) == ["ignored.py", "new.py"]


def test_what_git_ignores_and_what_is_a_machines_own_stays_out(checkout: Path) -> None:
    (checkout / ".funcignore").write_bytes((ROOT / ".funcignore").read_bytes())
    patterns = [line for line in (ROOT / ".gitignore").read_text().splitlines() if line and not line.startswith("#")]
    for pattern in (*patterns, "shared/__pycache__/", ".env", "slipway.yaml", "local.settings.json"):
        path = checkout / (pattern.replace("*", "any") + ("file" if pattern.endswith("/") else ""))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (checkout / "function_app.py").touch()
    assert packed(checkout) == ["function_app.py"]
