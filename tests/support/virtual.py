"""Virtual environments as they are deployed with the app, with packages that are there by their metadata alone."""

import venv
from pathlib import Path
from typing import Any


def make(folder: Path, packages: dict[str, str] | None = None, **options: Any) -> Path:
    """`packages`: name to version; `options`: of venv. Returns its site-packages."""
    venv.create(folder, symlinks=True, **options)
    (place,) = folder.glob("lib/python*/site-packages")
    for name, version in (packages or {}).items():
        install(place, name, version)
    return place


def install(place: Path, name: str, version: str) -> None:
    information = place / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
