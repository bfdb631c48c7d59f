"""The worker's side runs in whatever Python a model's own environment has, from 3.9 on."""

import ast
import sys
from pathlib import Path

import pytest

import shared.models.sandbox

FOLDER = Path(shared.models.sandbox.__path__[0])
# What each file needs beyond the standard library; only these are imported for a model that has it.
NEEDS = {
    "arrays": {"numpy"},
    "aml_request": {"flask"},
    "predictions": {"numpy", "pandas"},
    "pyfunc": {"mlflow", "numpy", "pandas"},
    "schema_numpy": {"numpy"},
    "schema_pandas": {"pandas"},
}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_file_is_written_for_an_old_python_and_without_the_apps_packages(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    assert imported - set(sys.stdlib_module_names) == NEEDS.get(path.stem, set())
    if path.stat().st_size:
        assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
