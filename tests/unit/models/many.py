"""Packages of many models, each of which multiplies by a number of its own, and rows for them."""

import asyncio
import hashlib
from typing import Any

import numpy as np

from shared.adapters.memory import MemoryBlobs
from shared.models.batching import Lanes, Limits
from shared.models.loader import ModelId
from shared.models.package import ModelPackage, ModelRef, PackagedFile, PackagedModel, Segments, digest_of, package_path
from shared.models.scoring import predict, predict_online
from shared.models.served import ServedModel
from shared.models.signature import Column, Inputs, Signature
from shared.ports import Container
from tests.support.loading import make_loader
from tests.unit.models.graphs import FLOAT, graph, node, value

SIGNATURE = Signature(
    columns=(
        Column(name="carrier", type="string"),
        Column(name="origin", type="string"),
        Column(name="x", type="double"),
    )
)


def times(factor: float) -> bytes:
    return graph(
        [node("Mul", ["x", "k"], ["y"])],
        [value("x", FLOAT, [None, 1])],
        [value("y", FLOAT, [None, 1])],
        k=np.array([factor], np.float32),
    )


def publish(
    store: MemoryBlobs, factors: dict[str, float], signature: Signature = SIGNATURE, **changes: Any
) -> ModelRef:
    """A package of models that multiply, by key."""
    files, models = [], {}
    for key, factor in factors.items():
        data, path = times(factor), f"models/{key}/model.onnx"
        store.write(Container.MODELS, package_path("many", "1", path), data)
        files.append(PackagedFile(path=path, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
        models[key] = PackagedModel(flavor="onnx", folder=f"models/{key}", model_file=path)
    how = {"columns": ("carrier", "origin"), "unfed": ("carrier", "origin"), **changes}
    package = ModelPackage(
        name="many", version="1", signature=signature, segments=Segments(**how), models=models, files=tuple(files)
    )
    data = package.to_bytes()
    store.write(Container.MODELS, package_path("many", "1"), data)
    return ModelRef("many", "1", digest_of(data))


def serve(store: MemoryBlobs, factors: dict[str, float], **changes: Any) -> ServedModel:
    ref = publish(store, factors, **changes)
    loader = make_loader(store)
    return ServedModel(ModelId(ref), loader.package(ref), loader)


def rows(*given: tuple[str, str, float]) -> Inputs:
    carrier, origin, x = zip(*given, strict=True) if given else ((), (), ())
    texts = {"carrier": np.array(carrier, object), "origin": np.array(origin, object)}
    return Inputs({**texts, "x": np.array(x, float)}, {})


async def answer(served: ServedModel, inputs: Inputs, key: str | None = None) -> list[float]:
    """The same from both ways of scoring."""
    deadline = asyncio.get_running_loop().time() + 30
    online = (await predict_online(served, key, inputs, Lanes(Limits()), deadline)).outputs["y"].tolist()
    assert online == predict(served, inputs, key=key).outputs["y"].tolist()
    return list(online)
