"""A copy of the infrastructure in which a test can plant a mistake, and hooks to run."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.hooks import Hooks
from tests.infra.template import INFRA, ROOT

type Plant = Callable[[str, str, str], Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Replaces a text in one file of the copy, which has to be there, and gives back the copy's infra folder."""
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy)
    shutil.copy(ROOT / "azure.yaml", tmp_path)

    def planted(file: str, was: str, becomes: str) -> Path:
        path = copy / file
        text = path.read_text()
        assert was in text, f"{file} has no {was!r}"
        path.write_text(text.replace(was, becomes, 1))
        return copy

    return planted


@pytest.fixture
def hooks(tmp_path: Path) -> Hooks:
    return Hooks(tmp_path)
