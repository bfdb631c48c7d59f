"""Files as rows: which signatures take them, and how those of one mini-batch come together."""

from typing import Any

import numpy as np
import pytest

from shared.errors import SchemaMismatch
from shared.models.file_inputs import features_of_files
from shared.models.signature import Column, Signature
from tests.unit.models.graphs import columns, tensors
from tests.unit.models.pictures import COLORS, encoded, taken


def test_good_files_are_taken_beside_bad_ones() -> None:
    contents = [b"", encoded(COLORS), encoded(COLORS[:1]), encoded(COLORS)[:-30], encoded(COLORS + 1)]
    rows, faults = features_of_files(tensors(x=("uint8", (-1, 2, 3, 3))), contents)
    assert [group.files for group in rows] == [(1, 4)]
    assert np.array_equal(rows[0].features["x"], np.stack([COLORS, COLORS + 1]))
    assert list(faults) == [0, 2, 3]


def test_images_of_several_sizes_come_apart_where_the_size_is_free() -> None:
    contents = [encoded(COLORS), encoded(COLORS[:1]), encoded(COLORS)]
    rows, faults = features_of_files(tensors(x=("uint8", (-1, -1, -1, 3))), contents)
    assert [(group.files, group.features["x"].shape) for group in rows] == [
        ((0, 2), (2, 2, 3, 3)),
        ((1,), (1, 1, 3, 3)),
    ]
    assert faults == {}


def test_a_model_that_takes_one_row_a_call_gets_each_file_on_its_own() -> None:
    rows, _ = features_of_files(tensors(x=("uint8", (1, 2, 3, 3))), [encoded(COLORS)] * 2)
    assert [(group.files, group.features["x"].shape) for group in rows] == [((0,), (1, 2, 3, 3)), ((1,), (1, 2, 3, 3))]


def test_a_column_of_bytes_takes_whole_files() -> None:
    found = taken(columns("content", type="binary"), b"\xff\x00", b"").features["content"]
    assert (found.dtype, found.tolist()) == (np.dtype(object), [b"\xff\x00", b""])


def test_a_column_of_texts_takes_what_is_utf_8() -> None:
    rows, faults = features_of_files(columns("text", type="string"), ["ä\n".encode(), b"ab\xff", b"\xef\xbb\xbfmarked"])
    assert [(group.files, group.features["text"].tolist()) for group in rows] == [((0, 2), ["ä\n", "marked"])]
    assert faults == {1: "the file is not text in UTF-8: see its byte 2"}


def test_optional_columns_beside_the_one_are_missing() -> None:
    kinds: dict[str, Any] = {"a": {"type": "double", "required": False}, "b": {"type": "binary"}}
    signature = Signature(columns=tuple(Column(name=name, **kind) for name, kind in kinds.items()))
    features = taken(signature, b"x", b"y").features
    assert (features["b"].tolist(), np.isnan(features["a"]).tolist()) == ([b"x", b"y"], [True, True])
    only = Signature(columns=(Column(name="t", type="string", required=False),))
    assert taken(only, b"x").features["t"].tolist() == ["x"]


def test_files_that_are_all_faulty_make_no_rows() -> None:
    assert features_of_files(columns("t", type="string"), [b"\xff"])[0] == []
    assert features_of_files(columns("t", type="string"), []) == ([], {})


@pytest.mark.parametrize(
    "signature",
    [
        Signature(),
        columns("a", "b", type="binary"),
        columns("a", type="double"),
        Signature(columns=(Column(name="a", type="binary"), Column(name="b", type="double"))),
        tensors(a=("uint8", (-1, 2, 2)), b=("uint8", (-1, 2, 2))),
        tensors(x=("float32", (-1, 4))),
        tensors(x=("float32", (-1, 2, 2, 2))),
        tensors(x=("float32", (-1, 2, 2, 3, 3))),
        tensors(x=("float32", (2, 2, 2, 3))),
        tensors(x=("int8", (-1, 2, 2, 3))),
        tensors(x=("bool", (-1, 2, 2, 3))),
        tensors(x=("str", (-1, 2, 2, 3))),
    ],
)
def test_another_signature_takes_no_files_and_says_which_do(signature: Signature) -> None:
    with pytest.raises(SchemaMismatch, match="the model takes no files: its signature must have one tensor of images"):
        features_of_files(signature, [encoded(COLORS)])
