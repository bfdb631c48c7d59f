"""A bare .onnx file, wrapped into an MLflow model folder."""

from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx import ModelProto, checker, external_data_helper

from cli.sources import onnx_folder
from cli.sources.arriving import arriving
from cli.sources.onnx_signature import signature_of
from shared.errors import MalformedRequest, SlipwayError
from shared.models.flavors.onnx import OnnxOptions, load
from shared.models.mlmodel import describe


def wrap(file: Path, into: Path) -> Path:
    """The folder: the graph's own bytes, the weights that it keeps beside itself, and a signature read from it.

    Raises MalformedRequest when the file is no graph, or not one that can be served.
    """
    content = file.read_bytes()
    graph = _parsed(file)
    with arriving(into, file.stem) as arrival:
        try:
            signature = signature_of(graph)
            weights = {name: (file.parent / name).read_bytes() for name in sorted(_weights(file, graph))}
            for name, data in weights.items():
                (arrival.partial / name).write_bytes(data)
            onnx_folder.write(arrival.partial, content, signature, {})
            load(content, weights, describe(arrival.partial, "model", "1").signature, OnnxOptions(1))
        except SlipwayError as error:
            raise MalformedRequest(f"{file.name} cannot be served: {error.message}") from None
    return arrival.folder


def _parsed(file: Path) -> ModelProto:
    try:
        # By its path, so that it finds weights that lie beside it; and before the file is parsed, which says less.
        checker.check_model(str(file))
        return onnx.load_model_from_string(file.read_bytes())
    except checker.ValidationError as error:
        said = " ".join(str(error).split())[:200]
        raise MalformedRequest(f"{file.name} is not a valid ONNX graph, export the model again: {said}") from None


def _weights(file: Path, graph: ModelProto) -> Iterator[str]:
    for tensor in graph.graph.initializer:
        if external_data_helper.uses_external_data(tensor):
            name = external_data_helper.ExternalDataInfo(tensor).location
            if Path(name).name != name or not (file.parent / name).is_file():
                raise MalformedRequest(f"its weights must lie in a file beside it, and {name} does not")
            yield name
