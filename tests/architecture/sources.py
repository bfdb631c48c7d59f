"""The project's own modules, as source texts."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGES = ("shared", "cli", "devhost", "samples", "bench")


class Source(NamedTuple):
    """A module: its dotted name, whether it is a package's `__init__`, and its text."""

    name: str
    is_package: bool
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


def read_all() -> Iterator[Source]:
    """Every module of the packages that are there, and the composition root."""
    for path in [ROOT / "function_app.py", *(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        yield Source(".".join(parts[:-1] if is_package else parts), is_package, path.read_text())
