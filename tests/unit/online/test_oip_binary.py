"""The Open Inference Protocol's binary tensors, there and back, and what a hostile caller writes there."""

import json
import struct
import tracemalloc
from typing import Any

import numpy as np
import orjson
import pytest

from shared.errors import MalformedRequest, SchemaMismatch
from shared.models.features import Converter
from shared.models.scoring import Predictions
from shared.models.signature import Column, Signature, Tensor
from shared.online.exchange import Answered, Message, Rendered
from shared.online.protocols import oip
from shared.online.protocols.oip_tensors import DATATYPES

ANSWERED = Answered("flowers", "blue", "iris", "1")
LENGTH = "inference-header-content-length"


def message(document: object, *blobs: bytes, length: str | None = None) -> Message:
    head = json.dumps(document).encode()
    told = str(len(head)) if length is None else length
    return Message(head + b"".join(blobs), None, {LENGTH: told})


def tensor(name: str, datatype: str, shape: list[int], size: Any) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}


def texts(*values: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


def read(*inputs: tuple[str, list[int], bytes]) -> oip.Request:
    """Inputs called x0, x1 and so on."""
    tensors = [tensor(f"x{at}", datatype, shape, len(blob)) for at, (datatype, shape, blob) in enumerate(inputs)]
    return oip.read(message({"inputs": tensors}, *(blob for _, _, blob in inputs)))


def refused(sent: Message) -> str:
    with pytest.raises(MalformedRequest) as caught:
        oip.read(sent)
    return caught.value.message


def reply(given: dict[str, Any], **request: Any) -> Rendered:
    document = {"inputs": [{"name": "n", "shape": [1], "datatype": "INT8", "data": [1]}], "id": "42", **request}
    asked = oip.read(Message(json.dumps(document).encode(), None, {}))
    return oip.render(Predictions(2, {name: np.asarray(values) for name, values in given.items()}), asked, ANSWERED)


def parts(rendered: Rendered) -> tuple[Any, bytes]:
    assert rendered.content_type == "application/octet-stream"
    length = int(rendered.headers["Inference-Header-Content-Length"])
    return orjson.loads(rendered.body[:length]), rendered.body[length:]


@pytest.mark.parametrize("datatype", sorted(set(DATATYPES) - {"BYTES", "BOOL"}))
def test_numbers_come_and_go_in_little_endian_to_the_last_bit(datatype: str) -> None:
    dtype = np.dtype(DATATYPES[datatype]).newbyteorder("<")
    values = np.array([[0, 1, 2], [100, 3, 4]], dtype)
    array = read((datatype, [2, 3], values.tobytes())).arrays["x0"]
    assert (array.dtype, array.tolist()) == (np.dtype(DATATYPES[datatype]), values.tolist())
    document, blob = parts(reply({"y": values.T}, parameters={"binary_data_output": True}))
    assert document["outputs"][0] == {
        "name": "y",
        "shape": [3, 2],
        "datatype": datatype,
        "parameters": {"binary_data_size": 6 * dtype.itemsize},
    }
    assert blob == values.T.tobytes()


def test_truth_values_are_one_byte_each() -> None:
    assert read(("BOOL", [3], b"\x01\x00\x01")).arrays["x0"].tolist() == [True, False, True]
    assert parts(reply({"y": [True, False]}, parameters={"binary_data_output": True}))[1] == b"\x01\x00"


def test_nan_and_infinity_pass_where_the_data_is_binary() -> None:
    odd = np.array([np.nan, np.inf, -np.inf])
    assert np.array_equal(read(("FP64", [3], odd.tobytes())).arrays["x0"], odd, equal_nan=True)
    assert parts(reply({"y": odd}, parameters={"binary_data_output": True}))[1] == odd.tobytes()


def test_bytes_are_a_length_and_the_bytes_each() -> None:
    blob = texts(b"", "ü".encode(), b"\xff")
    assert read(("BYTES", [3, 1], blob)).arrays["x0"].tolist() == [[b""], ["ü".encode()], [b"\xff"]]
    values = np.array(["", "ü", b"\xff"], dtype=object)
    assert parts(reply({"y": values}, parameters={"binary_data_output": True}))[1] == blob
    values = np.array([None, {"a": 1}], dtype=object)
    assert parts(reply({"y": values}, parameters={"binary_data_output": True}))[1] == texts(b"", b'{"a":1}')


def test_bytes_are_text_for_a_column_of_text_and_bytes_for_a_binary_one() -> None:
    signature = Signature(columns=(Column(name="x0", type="string"), Column(name="x1", type="binary")))
    converter = Converter(signature)
    good = oip.convert(read(("BYTES", [1], texts(b"ab")), ("BYTES", [1], texts(b"\xffab="))), converter)
    assert {name: array.tolist() for name, array in good.features.items()} == {"x0": ["ab"], "x1": [b"\xffab="]}
    with pytest.raises(SchemaMismatch, match="column 'x0', row 0: the bytes are not text in UTF-8"):
        oip.convert(read(("BYTES", [1], texts(b"\xff")), ("BYTES", [1], texts(b""))), converter)


def test_a_model_without_a_signature_is_given_texts_where_they_are_texts() -> None:
    sent = read(("BYTES", [2], texts(b"ab", b"c")), ("BYTES", [2], texts(b"ab", b"\xff")), ("INT8", [2], b"\x01\x02"))
    features = oip.convert(sent, Converter(Signature())).features
    assert [array.tolist() for array in features.values()] == [["ab", "c"], [b"ab", b"\xff"], [1, 2]]


def test_json_and_binary_tensors_come_in_one_request_in_any_order() -> None:
    data = {"name": "j", "shape": [2], "datatype": "INT8", "data": [1, 2]}
    first, last = np.array([1.5, 2.5]), np.array([3, 4], np.int16)
    inputs = [tensor("a", "FP64", [2], 16), data, tensor("b", "INT16", [2], 4)]
    arrays = oip.read(message({"inputs": inputs}, first.tobytes(), last.tobytes())).arrays
    assert {name: array.tolist() for name, array in arrays.items()} == {"a": [1.5, 2.5], "j": [1, 2], "b": [3, 4]}


def test_a_blob_at_an_odd_place_is_read_into_an_array_that_every_library_takes() -> None:
    values = np.arange(4, dtype=np.float32)
    arrays = read(("BOOL", [1], b"\x01"), ("FP32", [4], values.tobytes()), ("FP32", [0], b"")).arrays
    assert arrays["x1"].tolist() == values.tolist()
    assert all(array.flags.aligned for array in arrays.values())


def test_a_tensor_signature_takes_binary_data() -> None:
    signature = Signature(tensors=(Tensor(dtype="float32", shape=(-1, 2)),))
    sent = read(("FP32", [1, 2], np.array([1, 2], np.float32).tobytes()))
    assert oip.convert(sent, Converter(signature)).features[""].tolist() == [[1.0, 2.0]]


def test_each_output_may_choose_and_the_requests_choice_holds_for_the_others() -> None:
    outputs: list[dict[str, Any]] = [{"name": "a"}, {"name": "b", "parameters": {"binary_data": True}}, {"name": "c"}]
    document, blob = parts(reply({"a": [1.5], "b": np.array([7], np.int8), "c": ["x"]}, outputs=outputs))
    assert ["data" in output for output in document["outputs"]] == [True, False, True]
    assert blob == b"\x07"
    outputs[0]["parameters"] = {"binary_data": False}
    given = {"a": [1.5], "b": np.array([7], np.int8), "c": ["x"]}
    document, blob = parts(reply(given, outputs=outputs, parameters={"binary_data_output": True}))
    assert ["data" in output for output in document["outputs"]] == [True, False, False]
    assert blob == b"\x07" + texts(b"x")


def test_the_header_counts_the_bytes_of_the_json() -> None:
    rendered = reply({"ü": np.array([7], np.int8)}, parameters={"binary_data_output": True}, id="üü")
    assert parts(rendered)[0]["id"] == "üü"


ONE = tensor("x", "FP64", [1], 8)


@pytest.mark.parametrize(
    ("length", "says"),
    [
        ("-1", "must be a number of bytes"),
        ("+5", "must be a number of bytes"),
        ("1e2", "must be a number of bytes"),
        ("", "must be a number of bytes"),
        ("٣", "must be a number of bytes"),
        ("9" * 19, "must be a number of bytes"),
        ("9" * 5000, "must be a number of bytes"),
        ("999999999999999999", "but the body has"),
        ("0", "without its JSON in front"),
        ("5", "not JSON"),
    ],
)
def test_a_header_length_that_lies_is_refused(length: str, says: str) -> None:
    assert says in refused(message({"inputs": [ONE]}, bytes(8), length=length))


@pytest.mark.parametrize(
    ("described", "blob", "says"),
    [
        (tensor("x", "FP64", [1], 9), bytes(8), "binary_data_size is 9, but 8 bytes are left"),
        (tensor("x", "FP64", [1], 2**62), bytes(8), "8 bytes are left"),
        (tensor("x", "FP64", [1], 7), bytes(8), "FP64 of the shape [1] takes 8 bytes"),
        (tensor("x", "FP64", [1], -8), bytes(8), "must be a number of bytes"),
        (tensor("x", "FP64", [1], 8.0), bytes(8), "must be a number of bytes"),
        (tensor("x", "FP64", [1], True), bytes(8), "must be a number of bytes"),
        (tensor("x", "FP64", [1], "8"), bytes(8), "must be a number of bytes"),
        (tensor("x", "FP64", [1], 8), bytes(9), "1 bytes follow the binary data"),
        (tensor("x", "FP64", [-1], 8), bytes(8), "none below 0"),
        (tensor("x", "FP64", [-1, -1], 8), bytes(8), "none below 0"),
        (tensor("x", "FP64", [2], 8), bytes(8), "takes 16 bytes"),
        (tensor("x", "FP64", [1, 2**61, 8], 8), bytes(8), "takes 147573952589676412928 bytes"),
        (tensor("x", "FP64", [1, 2**63, 2], 0), b"", "but FP64 of the shape"),
        (tensor("x", "FP64", [0, 2**62, 2**62], 0), b"", "is too large"),
        (tensor("x", "BOOL", [1], 1), b"\x02", "one byte, 0 or 1"),
        (tensor("x", "BF16", [1], 2), bytes(2), "the datatype must be one of"),
        (tensor("x", "BYTES", [1], 3), b"abc", "3 bytes cannot hold 1 values"),
        (tensor("x", "BYTES", [1], 5), struct.pack("<I", 2) + b"a", "value 0: its length goes beyond"),
        (tensor("x", "BYTES", [1], 4), struct.pack("<I", 2**32 - 1), "value 0: its length goes beyond"),
        (tensor("x", "BYTES", [2], 10), texts(b"abcdef"), "exactly"),
        (tensor("x", "BYTES", [1], 8), texts(b"", b""), "exactly"),
        (tensor("x", "BYTES", [2], 8), texts(b"a") + bytes(3), "value 1: its length goes beyond"),
        (tensor("x", "BYTES", [1, 2**62], 4), texts(b""), "cannot hold"),
        (tensor("x", "BYTES", [0], 4), texts(b""), "exactly"),
    ],
)
def test_sizes_that_lie_are_refused(described: dict[str, Any], blob: bytes, says: str) -> None:
    assert says in refused(message({"inputs": [described]}, blob))


def test_binary_data_needs_the_header() -> None:
    head = json.dumps({"inputs": [ONE]}).encode()
    assert "needs the header Inference-Header-Content-Length" in refused(Message(head, None, {}))
    assert "not JSON" in refused(Message(head + bytes(8), None, {}))


def test_bytes_that_no_input_describes_are_refused() -> None:
    data = {"name": "j", "shape": [1], "datatype": "INT8", "data": [1]}
    assert "3 bytes follow" in refused(message({"inputs": [data]}, b"abc"))
    assert oip.read(message({"inputs": [data]})).arrays["j"].tolist() == [1]


def test_what_a_caller_only_says_costs_no_memory() -> None:
    described = tensor("x", "BYTES", [100_000, 2**40], 4)
    tracemalloc.start()
    refused(message({"inputs": [described]}, texts(b"")))
    refused(message({"inputs": [tensor("x", "FP64", [100_000, 2**40], 8)]}, bytes(8)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000


def test_a_binary_body_without_the_length_of_its_json_is_told_what_it_lacks() -> None:
    """Plain JSON may come under the same type: aiohttp sends it where nothing else was said."""
    sent = message({"inputs": [tensor("X", "FP32", [1], 4)]}, b"\xff\xff\xff\xff", length="")
    told = refused(Message(sent.body, "application/octet-stream", {}))
    assert "binary tensors need the header Inference-Header-Content-Length" in told
    plain = b'{"inputs": [{"name": "X", "datatype": "FP32", "shape": [1], "data": [1.0]}]}'
    assert oip.read(Message(plain, "application/octet-stream", {})).model is None
