"""A model that lies in a folder, served as the app serves it, and asked through the protocols that callers meet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from cli.publishing.answers import Answer
from cli.publishing.golden import Golden, Protocol
from shared.adapters.memory import MemoryBlobs
from shared.errors import MalformedRequest, ModelNotReady, ScoringFailed, SlipwayError
from shared.models.flavor import RawCall, Runtime
from shared.models.flavors.build import Flavors
from shared.models.flavors.onnx import OnnxOptions
from shared.models.loaded import LoadedScript
from shared.models.loader import Loader, ModelId
from shared.models.mlmodel import describe
from shared.models.package import PACKAGE_FILE, CodeConfiguration, ModelRef, digest_of, package_path
from shared.models.scoring import predict
from shared.models.served import ServedModel
from shared.online.asked import ask
from shared.online.exchange import Answered, Message, ScoreProtocol
from shared.online.protocols import azureml, mlflow, oip
from shared.ports import Container

_PROTOCOLS: Final[Mapping[Protocol, ScoreProtocol[Any]]] = {
    Protocol.AZUREML: azureml,
    Protocol.MLFLOW: mlflow,
    Protocol.OIP: oip,
}
_EXAMPLE: Final = "serving_input_example.json"
_MEMORY_BYTES: Final = 2**32
_LONGEST: Final = 200
_JSON: Final = "application/json"


def serve(folder: Path, code: CodeConfiguration | None, variables: Mapping[str, str]) -> ServedModel:
    """Nothing of it is loaded yet. `variables`: what foreign code sees in its environment."""
    package, store = describe(folder, "trial", "1", code), MemoryBlobs()
    for file in package.files:
        store.write(Container.MODELS, package_path("trial", "1", file.path), (folder / file.path).read_bytes())
    manifest = package.to_bytes()
    store.write(Container.MODELS, package_path("trial", "1", PACKAGE_FILE), manifest)
    memory_bytes = max(_MEMORY_BYTES, 4 * sum(file.size_bytes for file in package.files))
    loader = Loader(store, Flavors(OnnxOptions(threads=1), Path("environments")), memory_bytes)
    runtime = Runtime(variables=tuple(sorted(variables.items())))
    return ServedModel(ModelId(ModelRef("trial", "1", digest_of(manifest)), runtime), package, loader)


def load(served: ServedModel, folder: Path, keys: Sequence[str]) -> int | None:
    """Loads its model, or those of its many that the keys name, each of which answers its own input example.

    How many rows they have answered; None where they have no example. Raises ModelNotReady and what answering raises,
    with the key of the model.
    """
    if served.package.segments is None:
        served.loaded("")
        return _answer_example(served, folder, "")
    rows: list[int | None] = []
    for key in keys:
        try:
            served.loaded(key)
            rows.append(_answer_example(served, folder, key))
        except SlipwayError as error:
            raise ModelNotReady(f"{key}: {error.message}") from None
    return sum(filter(None, rows)) or None


def _answer_example(served: ServedModel, folder: Path, key: str) -> int | None:
    package = served.package
    place = package.models[key].folder if key else ""
    example = folder / place / _EXAMPLE
    if served.is_script or not example.is_file():
        return None
    request = mlflow.read(Message(example.read_bytes(), _JSON, {}))
    member = key if package.segments is not None else None
    return predict(served, mlflow.convert(request, served.converter(member)), key=member).rows


def answer(served: ServedModel, golden: Golden) -> Answer:
    """What its caller would be told, with an error's message where that is what it is."""
    headers = {"content-type": _JSON, **({"x-slipway-model": golden.model} if golden.model else {})}
    message, protocol = Message(orjson.dumps(golden.request), _JSON, headers), _PROTOCOLS[golden.protocol]
    try:
        body = _run(served, protocol, message) if served.is_script else _predict(served, protocol, message)
        return Answer(orjson.loads(body))
    except SlipwayError as error:
        return Answer(refused=error.message)
    except orjson.JSONDecodeError:
        return Answer(refused="the answer is no JSON any more")


def _predict(served: ServedModel, protocol: ScoreProtocol[Any], message: Message) -> bytes:
    asked, ref = ask(protocol, message, served), served.id.ref
    predictions = predict(served, asked.inputs, key=asked.key)
    answered = Answered("", "", ref.name, ref.version, served.takes_tensors)
    return protocol.render(predictions, asked.document, answered).body


def _run(served: ServedModel, protocol: ScoreProtocol[Any], message: Message) -> bytes:
    loaded = served.loaded("")
    if not isinstance(loaded, LoadedScript):
        raise ModelNotReady("the score.py is not ready")
    if not protocol.TAKES_SCRIPTS:
        raise MalformedRequest(f"a score.py takes no requests of {protocol.NAME}")
    headers = {**message.headers, "content-length": str(len(message.body))}
    reply = loaded.run(RawCall("POST", "", headers, message.body), None)
    if reply.status >= 400:
        said = " ".join(reply.body.decode(errors="replace").split())[:_LONGEST]
        raise ScoringFailed(f"the score.py answers with status {reply.status}: {said}")
    return reply.body
