"""Loads published models: checked against their digest, warmed up, and each only once however many ask."""

import asyncio
import hashlib
import logging
import threading
import time
from pathlib import PurePosixPath
from typing import Final

from pydantic import ValidationError

from shared.errors import ModelNotFound, ModelNotReady, ScoringFailed
from shared.models.flavors import onnx
from shared.models.package import ModelPackage, ModelRef, digest_of, package_path
from shared.models.signature import Signature, example
from shared.ports import BlobStore, Container

_log = logging.getLogger(__name__)

_MLFLOW_SUFFIXES: Final = frozenset({".yaml", ".txt", ".json"})
# Until a model is measured it is taken for a slow one, and called in a thread.
_UNKNOWN_ROW_S: Final = 1.0


class LoadedModel:
    """A model ready to predict. `row_s`: what a row costs, measured, in seconds."""

    def __init__(self, ref: ModelRef, signature: Signature, flavor: onnx.OnnxModel) -> None:
        self.ref = ref
        self.signature = signature
        self.flavor = flavor
        self.row_s = _UNKNOWN_ROW_S

    def measured(self, rows: int, seconds: float) -> None:
        """A moving average; one slow call counts for little, a slow model soon shows."""
        self.row_s += 0.2 * (seconds / rows - self.row_s)


class Loader:
    """Keeps what it has loaded. A failed load is not kept: the next caller tries again."""

    def __init__(self, store: BlobStore, onnx_threads: int) -> None:
        self._store = store
        self._onnx_threads = onnx_threads
        self._loaded: dict[ModelRef, LoadedModel] = {}
        self._locks: dict[ModelRef, threading.Lock] = {}
        self._guard = threading.Lock()

    async def get_online(self, ref: ModelRef) -> LoadedModel:
        loaded = self._loaded.get(ref)
        return loaded if loaded is not None else await asyncio.to_thread(self.get, ref)

    def get(self, ref: ModelRef) -> LoadedModel:
        """Raises ModelNotFound, or ModelNotReady when the package is damaged or cannot be loaded."""
        with self._guard:
            lock = self._locks.setdefault(ref, threading.Lock())
        with lock:
            loaded = self._loaded.get(ref)
            if loaded is None:
                loaded = self._loaded[ref] = self._load(ref)
            return loaded

    def _load(self, ref: ModelRef) -> LoadedModel:
        package = self._read_package(ref)
        graph = self._read_file(ref, package, package.model_file)
        folder = package.model_file.rpartition("/")[0]
        weights = {
            PurePosixPath(file.path).name: self._read_file(ref, package, file.path)
            for file in package.files
            if _may_hold_weights(file.path, folder) and file.path != package.model_file
        }
        model = LoadedModel(ref, package.signature, onnx.load(graph, weights, package.signature, self._onnx_threads))
        _warm_up(model)
        return model

    def _read_file(self, ref: ModelRef, package: ModelPackage, path: str) -> bytes:
        blob = self._store.read(Container.MODELS, package_path(ref.name, ref.version, path))
        if blob is None or hashlib.sha256(blob.data).hexdigest() != package.file(path).sha256:
            raise ModelNotReady(f"the file {path} of model {ref} is not the one that was published: publish it again")
        return blob.data

    def _read_package(self, ref: ModelRef) -> ModelPackage:
        blob = self._store.read(Container.MODELS, package_path(ref.name, ref.version))
        if blob is None:
            raise ModelNotFound(f"model {ref} is not in storage: publish it")
        if digest_of(blob.data) != ref.digest:
            raise ModelNotReady(
                f"the package of model {ref} is not the one that the endpoint pins: publish a new version"
            )
        try:
            return ModelPackage.model_validate_json(blob.data)
        except ValidationError:
            raise ModelNotReady(f"the package of model {ref} cannot be read: publish it again") from None


def _may_hold_weights(path: str, folder: str) -> bool:
    """Beside the graph, and none of the files that MLflow itself writes there."""
    file = PurePosixPath(path)
    return str(file.parent) == (folder or ".") and file.name != "MLmodel" and file.suffix not in _MLFLOW_SUFFIXES


def _warm_up(model: LoadedModel) -> None:
    """The first calls of a session cost many times the later ones, and tell what a row costs."""
    features = example(model.signature).features
    try:
        model.flavor.predict(features)
        started = time.perf_counter()
        model.flavor.predict(features)
        model.row_s = time.perf_counter() - started
    except ScoringFailed as error:
        # A model may well refuse zeros and empty texts, an encoder its unknown categories.
        _log.warning("model %s was not warmed up: %s", model.ref, error.message)
