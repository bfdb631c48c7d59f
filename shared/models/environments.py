"""What foreign code finds where it runs: the app's own Python and packages, and those of the virtual environments."""

import platform
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from importlib.metadata import distributions
from pathlib import Path
from typing import Final, NamedTuple

from shared.models.flavors.worker_environment import WorkerSpec, package_folders

_PACKAGES: Final = "lib/python*/site-packages"
_VERSION: Final = re.compile(r"[0-9]+\.[0-9]+(\.[0-9]+)?")


class Environment(NamedTuple):
    """`name`: "" of the app's own. `python`: its version, "" where nothing tells it. `packages`: name to version."""

    name: str
    python: str
    packages: dict[str, str]


class Environments:
    """`folder`: virtual environments by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def found(self) -> tuple[Environment, ...]:
        """The app's own first. Read once, for they are deployed with the app; blocks that once."""
        own = Environment("", platform.python_version(), _packages(package_folders(WorkerSpec())))
        interpreters = sorted(path for path in self._folder.glob("*/bin/python") if path.is_file())
        return (own, *(_read(path.parents[1]) for path in interpreters))


def _read(folder: Path) -> Environment:
    written = _configuration(folder / "pyvenv.cfg")
    places = sorted(folder.glob(_PACKAGES))
    told = _VERSION.match(written.get("version") or written.get("version_info", ""))
    python = told[0] if told else places[0].parent.name.removeprefix("python") if places else ""
    if written.get("include-system-site-packages") == "true":
        places += sorted(Path(written.get("home", "")).parent.glob(_PACKAGES))
    return Environment(folder.name, python, _packages([str(each) for each in places]))


def _configuration(path: Path) -> dict[str, str]:
    """Source of the format: https://docs.python.org/3/library/site.html; virtualenv and uv write `version_info`."""
    if not path.is_file():
        return {}
    pairs = (line.partition("=") for line in path.read_text(errors="replace").splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _packages(folders: Sequence[str]) -> dict[str, str]:
    """Of one that is there twice, what an import finds: the first."""
    found: dict[str, str] = {}
    for distribution in distributions(path=list(folders)):
        # Where the backport of importlib.metadata is imported, it stands in for it, and raises.
        with suppress(FileNotFoundError):
            metadata = distribution.metadata
            if (name := metadata.get("Name")) and (version := metadata.get("Version")):
                found.setdefault(name, version)
    return dict(sorted(found.items()))
