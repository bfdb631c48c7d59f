"""Of many models in one package the one is asked for by name, or one stands in."""

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import MalformedRequest, ModelNotFound
from shared.models import segments
from shared.models.package import ModelPackage, PackagedFile, PackagedModel
from shared.models.scoring import predict, unknown_rows
from shared.models.signature import Column, Inputs, Signature
from tests.unit.models.many import SIGNATURE, serve


def test_a_model_may_be_asked_for_by_name(store: MemoryBlobs) -> None:
    served = serve(store, {"UA": 3, "B6": 5})
    assert segments.by_name(served.package, "B6") == "B6"
    assert segments.by_name(served.package, None) is None
    with pytest.raises(ModelNotFound):
        segments.by_name(served.package, "ZZ")


def test_without_columns_a_model_is_asked_for_by_name_or_the_fallback_answers(store: MemoryBlobs) -> None:
    numbers = Signature(columns=(Column(name="x", type="double"),))
    by_name = serve(store, {"a": 2, "b": 3}, signature=numbers, columns=(), unfed=())
    with pytest.raises(MalformedRequest, match="name one"):
        segments.by_name(by_name.package, None)
    standing_in = serve(store, {"a": 2, "b": 3}, signature=numbers, columns=(), unfed=(), fallback=("b",))
    assert segments.by_name(standing_in.package, None) == "b"
    assert segments.by_name(standing_in.package, "a") == "a"


def test_a_batch_is_scored_by_the_member_that_is_named_or_stands_in(store: MemoryBlobs) -> None:
    numbers = Signature(columns=(Column(name="x", type="double"),))
    two = Inputs({"x": np.array([1.0, 2.0])}, {})
    standing_in = serve(store, {"a": 2, "b": 3}, signature=numbers, columns=(), unfed=(), fallback=("b",))
    assert predict(standing_in, two, key="a").outputs["y"].tolist() == [2, 4]
    assert predict(standing_in, two).outputs["y"].tolist() == [3, 6]
    assert unknown_rows(standing_in, two.features) == {}
    with pytest.raises(ModelNotFound):
        predict(standing_in, two, key="c")
    nothing = serve(store, {"a": 2, "b": 3}, signature=numbers, columns=(), unfed=())
    with pytest.raises(MalformedRequest, match="name one"):
        predict(nothing, two)


def test_a_name_means_nothing_where_there_is_one_model(store: MemoryBlobs) -> None:
    only = PackagedModel(flavor="onnx", model_file="m.onnx")
    file = PackagedFile(path="m.onnx", size_bytes=0, sha256="0" * 64)
    package = ModelPackage(name="one", version="1", signature=SIGNATURE, model=only, files=(file,))
    assert segments.by_name(package, None) == ""
    with pytest.raises(MalformedRequest, match="one model"):
        segments.by_name(package, "a")
