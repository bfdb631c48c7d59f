"""Fixtures of the sources' tests."""

from pathlib import Path

import pytest

from tests.unit.cli.sources import stores
from tests.unit.cli.sources.stores import Store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("mlflow")
    return stores.fill(f"sqlite:///{folder}/mlflow.db", (folder / "artifacts").as_uri())


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """What a caller of `resolve` owns."""
    return tmp_path / "into"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the person who runs the tests."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "AZUREML_ARM_WORKSPACE_NAME"):
        monkeypatch.delenv(name, raising=False)
