"""From a published package to a loaded model of each flavor, as the app does it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import ModelNotFound, ModelNotReady
from shared.models.flavor import Abort, RawCall, Runtime
from shared.models.flavors.build import Flavors
from shared.models.flavors.onnx import OnnxOptions
from shared.models.loaded import LoadedModel, LoadedScript
from shared.models.loader import Loader, ModelId
from shared.models.mlmodel import describe
from shared.models.package import CodeConfiguration, ModelPackage, ModelRef, digest_of, package_path
from shared.ports import Container
from tests.support.loading import MEMORY_BYTES, make_loader
from tests.unit.models.flavors.mlflow_models import save_odd
from tests.unit.models.many import publish

CODE = CodeConfiguration(code="code", scoring_script="score.py", model="model")
SCORE = """
import os, sys
from pathlib import Path
def init():
    global greeting
    greeting = (Path(os.environ["AZUREML_MODEL_DIR"]) / "greeting.txt").read_text()
def run(raw_data):
    return [greeting, raw_data, os.environ.get("MY_OWN"), sys.prefix]
"""
CALL = RawCall("POST", "", {"content-type": "application/json"}, b"asked")


def upload(store: MemoryBlobs, folder: Path, code: CodeConfiguration | None = None) -> ModelRef:
    package = describe(folder, "mine", "1", code)
    for file in package.files:
        store.write(Container.MODELS, package_path("mine", "1", file.path), (folder / file.path).read_bytes())
    return put(store, package)


def put(store: MemoryBlobs, package: ModelPackage) -> ModelRef:
    data = package.to_bytes()
    store.write(Container.MODELS, package_path("mine", "1"), data)
    return ModelRef("mine", "1", digest_of(data))


@pytest.fixture
def script(store: MemoryBlobs, tmp_path: Path) -> ModelRef:
    for name, text in (("code/score.py", SCORE), ("model/greeting.txt", "hello")):
        path = tmp_path / "script" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return upload(store, tmp_path / "script", CODE)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where new folders of this machine are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_script_is_loaded_with_its_code_its_model_and_its_variables(
    store: MemoryBlobs, script: ModelRef, temporary: Path
) -> None:
    loaded = make_loader(store).get(ModelId(script, Runtime(variables=(("MY_OWN", "1"),))))
    assert isinstance(loaded, LoadedScript)
    try:
        reply = loaded.run(CALL, Abort())
        assert (reply.status, json.loads(reply.body)) == (200, ["hello", "asked", "1", sys.prefix])
    finally:
        loaded.close()
    assert list(temporary.iterdir()) == []
    with pytest.raises(ModelNotReady, match="model mine/1 has just left the memory"):
        loaded.run(CALL, Abort())


def test_a_script_whose_environment_is_missing_is_not_ready_and_leaves_nothing_behind(
    store: MemoryBlobs, script: ModelRef, temporary: Path
) -> None:
    with pytest.raises(ModelNotReady) as caught:
        make_loader(store).get(ModelId(script, Runtime(environment="torch")))
    assert caught.value.message == "the environment 'torch' is not there: deploy the app with it"
    assert list(temporary.iterdir()) == []


def test_a_script_runs_in_the_environment_that_the_deployment_names(
    store: MemoryBlobs, script: ModelRef, tmp_path: Path
) -> None:
    own = tmp_path / "environments" / "plain"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", own], check=True)
    runtime = Runtime(environment="plain", variables=(("MY_OWN", "1"),))
    loader = Loader(store, Flavors(OnnxOptions(threads=1), own.parent), MEMORY_BYTES)
    loaded = loader.get(ModelId(script, runtime))
    assert isinstance(loaded, LoadedScript)
    try:
        assert json.loads(loaded.run(RawCall("POST", "", {}, b"where"), Abort()).body)[3] == str(own)
    finally:
        loaded.close()


def test_a_script_that_is_not_among_the_files_is_not_ready_and_leaves_nothing_behind(
    store: MemoryBlobs, script: ModelRef, temporary: Path
) -> None:
    blob = store.read(Container.MODELS, package_path("mine", "1"))
    assert blob is not None
    package = ModelPackage.model_validate_json(blob.data)
    lacking = put(store, package.model_copy(update={"files": package.files[1:]}))
    with pytest.raises(ModelNotReady, match=r"the scoring script score\.py is not in the package"):
        make_loader(store).get(ModelId(lacking))
    assert list(temporary.iterdir()) == []


def test_a_pyfunc_model_is_loaded_and_warmed_up_with_its_signature(
    store: MemoryBlobs, tmp_path: Path, temporary: Path
) -> None:
    save_odd(tmp_path / "odd")
    loaded = make_loader(store).get(ModelId(upload(store, tmp_path / "odd")))
    assert isinstance(loaded, LoadedModel)
    try:
        assert [column.name for column in loaded.signature.columns] == ["x"]
        assert loaded.cost_s(1) != 1.0  # as it is until it was measured
        assert not loaded.is_quick({"x": np.ones(1)}, 1, limit_s=1000.0)
        outputs = loaded.predict({"x": np.array([1.0, 2.0])}, {"kind": "array", "factor": 3.0})
        assert outputs["predictions"].tolist() == [3.0, 6.0]
    finally:
        loaded.close()
    assert list(temporary.iterdir()) == []


def test_a_member_that_is_not_in_the_package_is_not_found(store: MemoryBlobs) -> None:
    loader = make_loader(store)
    ref = publish(store, {"UA": 2.0})
    with pytest.raises(ModelNotFound) as caught:
        loader.get(ModelId(ref, member="ZZ" * 100))
    assert caught.value.message == f"model many/1 has no member '{'ZZ' * 40}'"
