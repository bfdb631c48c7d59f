"""devhost runs any app, so it knows none."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_DEVHOST = Path(__file__).parents[2] / "devhost"
_APPS_OWN = {"shared", "cli", "samples", "function_app", "tests", "bench"}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield node.module or ""


@pytest.mark.parametrize("path", sorted(_DEVHOST.glob("*.py")), ids=lambda path: path.name)
def test_devhost_imports_nothing_of_an_app(path: Path) -> None:
    assert not {name.split(".")[0] for name in _imported(path)} & _APPS_OWN


@pytest.mark.parametrize("path", sorted(_DEVHOST.glob("*.py")), ids=lambda path: path.name)
def test_runtime_and_engine_are_each_spoken_to_in_one_module(path: Path) -> None:
    tops = {name.split(".")[0] for name in _imported(path)}
    assert not ("azure_functions_runtime" in tops and path.name != "worker.py")
    assert not ("durabletask" in tops and path.name != "engine.py")
