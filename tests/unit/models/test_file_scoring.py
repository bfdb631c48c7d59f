"""Files through whole models: images, bytes and texts, each file a row, and answers in the files' order."""

import io

import numpy as np
import pytest
from PIL import Image

from shared.adapters.memory import MemoryBlobs
from shared.errors import SchemaMismatch, ScoringFailed, ScoringTimeout
from shared.models.flavor import Abort
from shared.models.scoring import FilePredictions, predict_files
from shared.models.served import ServedModel
from shared.models.signature import Array, Features, Params, Signature
from tests.support.loading import FunctionModel, loaded_as, serve, served_as
from tests.unit.models import many
from tests.unit.models.graphs import FLOAT, STRING, UINT8, columns, graph, node, tensors, upload, value


def image(height: int, width: int, shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (shade, shade, shade)).save(file, "PNG")
    return file.getvalue()


def brightness(store: MemoryBlobs, dtype: str = "float32", height: int = -1, width: int = -1) -> ServedModel:
    """The mean over all pixels and channels of `[-1, height, width, 3]`."""
    shape = [None, None if height == -1 else height, None if width == -1 else width, 3]
    data = graph(
        [node("Cast", ["x"], ["f"], to=FLOAT), node("ReduceMean", ["f", "axes"], ["y"], keepdims=0)],
        [value("x", UINT8 if dtype == "uint8" else FLOAT, shape)],
        [value("y", FLOAT, [None])],
        axes=np.array([1, 2, 3], np.int64),
    )
    return serve(store, upload(store, data, tensors(x=(dtype, (-1, height, width, 3)))))


def told(answer: FilePredictions, output: str = "y") -> list[float]:
    assert len(answer.files) == answer.predictions.rows == len(answer.predictions.outputs[output])
    return [float(each) for each in answer.predictions.outputs[output]]


def mirror(signature: Signature) -> ServedModel:
    """Answers pixels as they are."""

    def same(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        return {"y": features["x"]}

    return served_as(loaded_as(FunctionModel(same), signature))


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_images_are_scored_by_a_graph_and_bad_ones_are_told_apart(store: MemoryBlobs, dtype: str) -> None:
    model = brightness(store, dtype, 4, 6)
    answer = predict_files(model, [image(4, 6, 10), b"no image", image(6, 4, 1), image(4, 6, 250)], {})
    assert told(answer) == [10.0, 250.0]
    assert answer.files.tolist() == [0, 3]
    assert sorted(answer.faults) == [1, 2]
    assert "the image is 6 x 4 pixels" in answer.faults[2]


def test_images_of_all_sizes_are_answered_in_the_order_of_their_files(store: MemoryBlobs) -> None:
    contents = [image(4, 6, 10), image(1, 1, 20), b"", image(4, 6, 30), image(1, 1, 40), image(2, 2, 50)]
    answer = predict_files(brightness(store), contents, {}, abort=Abort())
    assert told(answer) == [10.0, 20.0, 30.0, 40.0, 50.0]
    assert answer.files.tolist() == [0, 1, 3, 4, 5]


def test_files_none_of_which_is_good_are_answered_without_the_model(store: MemoryBlobs) -> None:
    answer = predict_files(brightness(store), [b"", b""], {})
    assert (answer.predictions.rows, answer.files.tolist(), sorted(answer.faults)) == (0, [], [0, 1])


def test_texts_are_scored_by_a_graph(store: MemoryBlobs) -> None:
    known = {"keys_strings": ["ä"], "values_floats": [1.0], "default_float": 0.0}
    data = graph(
        [node("LabelEncoder", ["t"], ["y"], domain="ai.onnx.ml", **known)],
        [value("t", STRING, [None])],
        [value("y", FLOAT, [None])],
    )
    model = serve(store, upload(store, data, columns("t", type="string")))
    answer = predict_files(model, ["ä".encode(), b"b", b"\xff"], {})
    assert (told(answer), answer.files.tolist(), sorted(answer.faults)) == ([1.0, 0.0], [0, 1], [2])


def test_a_model_of_tables_takes_no_files(store: MemoryBlobs) -> None:
    served = many.serve(store, {"UA": 3})
    with pytest.raises(SchemaMismatch, match="the model takes no files"):
        predict_files(served, [b""], {})


def test_outputs_that_follow_the_size_of_the_image_cannot_be_joined() -> None:
    model = mirror(tensors(x=("uint8", (-1, -1, -1, 3))))
    assert predict_files(model, [image(2, 3, 1)] * 2, {}).predictions.outputs["y"].shape == (2, 2, 3, 3)
    with pytest.raises(ScoringFailed, match="set mini_batch_size to 1"):
        predict_files(model, [image(2, 3, 1), image(3, 2, 1)], {})


def test_scoring_of_files_stops_when_nobody_waits() -> None:
    abort = Abort()
    abort.fire()
    with pytest.raises(ScoringTimeout):
        predict_files(mirror(tensors(x=("uint8", (-1, -1, -1, 3)))), [image(2, 3, 1)], {}, abort=abort)
