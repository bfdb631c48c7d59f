"""`make package`: what .funcignore leaves, with the packages of requirements.txt alone, runs the demo.

Prints the package's size and its cold import, and ends with 1 where it cannot be indexed or the demo fails. What Azure
itself brings, the worker, lies beside the environment; the local host that stands in for Azure's is the checkout's.
"""

import shutil
import subprocess
import sys
import time
import zipfile
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

from devhost.stack import Stack
from samples.flights import demo, local

ROOT: Final = Path(__file__).parents[1]
_WORK: Final = ROOT / "build" / "package"
_APP: Final = _WORK / "app"
_ENV: Final = _WORK / "env"
_PYTHON: Final = str(_ENV / "bin" / "python")
_PLATFORM: Final = _WORK / "platform"
# What the worker and the local host are made of beside the app's own packages.
_OF_PLATFORM: Final = ("azure-functions-runtime", "httptools", "uvloop")
_INDEX: Final = "from function_app import app; print(*sorted(each.get_function_name() for each in app.get_functions()))"
_ROUNDS: Final = 5


class Packaged(Stack):
    """Storage and issuer as ever; the host runs the package, and finds nothing of the checkout but itself."""

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, "PYTHONPATH": str(_PLATFORM)}


def main() -> int:
    files = unpack()
    install()
    functions = run(_PYTHON, "-c", _INDEX).split()
    print(f"package: {len(files)} files, {_size(_WORK / 'app.zip')} packed, {_size(_APP)} unpacked")
    print(f"packages of requirements.txt: {_size(_ENV)}")
    print(f"cold import: {_import_s():.2f} s, {len(functions)} functions", flush=True)

    def packaged(app_dir: Path, work_dir: Path, **ports: int | None) -> Stack:
        return Packaged(_APP, work_dir, python=_PYTHON, **ports)  # type: ignore[arg-type]

    with patch.object(local, "Stack", packaged):
        return demo.main()


def unpack() -> list[str]:
    """Packs as infra/package.py does, and unpacks what came of it; the names of the files."""
    shutil.rmtree(_APP, ignore_errors=True)
    _WORK.mkdir(parents=True, exist_ok=True)
    archive = _WORK / "app.zip"
    run(sys.executable, str(ROOT / "infra" / "package.py"), str(archive), cwd=ROOT)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(_APP)
        return packed.namelist()


def install() -> None:
    """The environment is kept as long as nothing that it is made of changes."""
    wanted = "".join((ROOT / name).read_text() for name in ("requirements.txt", "constraints.txt"))
    installed = _ENV / ".installed"
    if installed.exists() and installed.read_text() == wanted:
        return
    for folder in (_ENV, _PLATFORM):
        shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "venv", str(_ENV))
    pip = partial(run, _PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    pip("-r", str(_APP / "requirements.txt"))
    pip("--no-deps", "--target", str(_PLATFORM), "-c", str(ROOT / "constraints.txt"), *_OF_PLATFORM)
    (_PLATFORM / "devhost").symlink_to(ROOT / "devhost")
    installed.write_text(wanted)


def run(*command: str, cwd: Path = _APP) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"package: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def _import_s() -> float:
    """The quickest of some, which is what the machine alone takes."""
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        run(_PYTHON, "-c", "import function_app")
        times.append(time.perf_counter() - started)
    return min(times)


def _size(path: Path) -> str:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    size = sum(each.stat().st_size for each in files)
    return f"{size / 1e6:.0f} MB" if size > 1e7 else f"{size / 1e3:.0f} kB"


if __name__ == "__main__":
    sys.exit(main())
