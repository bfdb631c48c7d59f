"""tritonclient.http, the synchronous client: health, metadata, and tensors of all types as JSON and as binary data."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton

from tests.conformance import tensors
from tests.conformance.handover import Handover, Sample
from tests.conformance.proxy import Proxy

type Find = Callable[[str], Sample]


@pytest.fixture
def client(told: Handover) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(told.url.removeprefix("http://"), concurrency=4) as client:
        yield client


def given(name: str, datatype: str, array: Any, *, binary: bool) -> triton.InferInput:
    tensor = triton.InferInput(name, list(array.shape), datatype)
    return tensor.set_data_from_numpy(array, binary_data=binary)


def many_types(sample: Sample, *, binary: bool) -> list[triton.InferInput]:
    """FP16 is always sent as binary data, because this client sends it in no other way."""
    return [
        given(name, tensors.DATATYPES[name][0], array, binary=binary or name == "half")
        for name, array in tensors.many_types(sample).items()
    ]


def flowers(sample: Sample, *, binary: bool = True) -> list[triton.InferInput]:
    return [given("X", "FP32", np.array(sample.data, np.float32), binary=binary)]


def test_the_server_is_live_and_ready(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    assert client.is_server_live(headers=headers)
    assert client.is_server_ready(headers=headers)


def test_the_server_tells_that_it_takes_binary_tensors(
    client: triton.InferenceServerClient, headers: dict[str, str]
) -> None:
    metadata = client.get_server_metadata(headers=headers)
    assert metadata["name"] == "slipway"
    assert metadata["version"]
    assert "binary_tensor_data" in metadata["extensions"]


@pytest.mark.parametrize("version", ["", "blue", "green"])
def test_a_model_is_ready_in_each_version(
    client: triton.InferenceServerClient, headers: dict[str, str], version: str
) -> None:
    assert client.is_model_ready("iris-tensor", version, headers=headers)


def test_a_model_describes_its_tensors(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    metadata = client.get_model_metadata("iris-tensor", headers=headers)
    assert metadata["name"] == "iris-tensor"
    assert sorted(metadata["versions"]) == ["blue", "green"]
    assert metadata["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 4]}]
    assert metadata["outputs"] == [
        {"name": "label", "datatype": "INT64", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]},
    ]


def test_every_type_has_its_name(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    metadata = client.get_model_metadata("many-types", "green", headers=headers)
    told = {tensor["name"]: tensor["datatype"] for tensor in metadata["inputs"]}
    assert told == {name: datatype for name, (datatype, _) in tensors.DATATYPES.items()}


def test_columns_are_described_as_tensors(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    metadata = client.get_model_metadata("flight-delay", headers=headers)
    told = {tensor["name"]: tensor["datatype"] for tensor in metadata["inputs"]}
    assert told["carrier"] == "BYTES"
    assert told["dep_delay"] == "FP64"


def test_the_repository_lists_every_version(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    index = client.get_model_repository_index(headers=headers)
    assert {("iris-tensor", "blue"), ("iris-tensor", "green"), ("flight-delay", "blue")} <= {
        (model["name"], model["version"]) for model in index
    }
    assert {model["state"] for model in index} <= {"READY", "LOADING", "UNAVAILABLE"}


@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("binary_in", [True, False])
def test_all_types_there_and_back(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find, binary_in: bool, binary_out: bool
) -> None:
    known = sample("many-types")
    wanted = [triton.InferRequestedOutput(name, binary_data=binary_out or name == "half_out") for name in known.outputs]
    result = client.infer("many-types", many_types(known, binary=binary_in), outputs=wanted, headers=headers)
    for name in known.outputs:
        tensors.check(known, name, result.as_numpy(name))


def test_by_default_everything_is_binary(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find
) -> None:
    known = sample("many-types")
    result = client.infer("many-types", many_types(known, binary=True), headers=headers)
    assert all("binary_data_size" in output["parameters"] for output in result.get_response()["outputs"])
    for name in known.outputs:
        tensors.check(known, name, result.as_numpy(name))


def test_binary_and_json_are_mixed_in_one_request(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find
) -> None:
    known = sample("many-types")
    inputs = [
        given(name, tensors.DATATYPES[name][0], array, binary=at % 2 == 1)
        for at, (name, array) in enumerate(tensors.many_types(known).items())
    ]
    wanted = [
        triton.InferRequestedOutput("whole_out", binary_data=False),
        triton.InferRequestedOutput("text_out", binary_data=True),
    ]
    result = client.infer("many-types", inputs, outputs=wanted, headers=headers)
    assert [output["name"] for output in result.get_response()["outputs"]] == ["whole_out", "text_out"]
    for name in ("whole_out", "text_out"):
        tensors.check(known, name, result.as_numpy(name))
    assert result.as_numpy("flag_out") is None


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_packed_requests(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find, algorithm: str, binary: bool
) -> None:
    known = sample("many-types")
    result = client.infer(
        "many-types", many_types(known, binary=binary), headers=headers, request_compression_algorithm=algorithm
    )
    for name in known.outputs:
        tensors.check(known, name, result.as_numpy(name))


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_a_client_that_would_take_a_packed_reply_is_answered(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find, algorithm: str
) -> None:
    known = sample("iris-tensor")
    result = client.infer("iris-tensor", flowers(known), headers=headers, response_compression_algorithm=algorithm)
    tensors.check(known, "label", result.as_numpy("label"))


def test_texts_and_numbers_of_a_table(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """Optional columns are left out; Azure ML's sample request is answered with the same."""
    flight: dict[str, Any] = {"carrier": "UA", "origin": "EWR", "dest": "LAX"}
    numbers: dict[str, float] = {"dep_delay": 29.0, "distance": 2454.0, "hour": 18.0, "weekday": 5.0}
    inputs = [given(name, "BYTES", np.array([text], np.object_), binary=True) for name, text in flight.items()]
    inputs += [given(name, "FP64", np.array([number]), binary=True) for name, number in numbers.items()]
    result = client.infer("flight-delay", inputs, model_version="blue", headers=headers)
    assert result.as_numpy("late").tolist() == [1]
    assert result.as_numpy("late_probability").tolist() == pytest.approx([0.60], abs=0.05)


def test_the_request_id_comes_back(client: triton.InferenceServerClient, headers: dict[str, str], sample: Find) -> None:
    inputs = flowers(sample("iris-tensor"))
    asked = client.infer("iris-tensor", inputs, request_id="order-66", headers=headers).get_response()
    assert asked["id"] == "order-66"
    assert client.infer("iris-tensor", inputs, headers=headers).get_response()["id"]


@pytest.mark.parametrize("version", ["blue", "green"])
def test_the_version_asked_for_answers(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find, version: str
) -> None:
    known = sample("iris-tensor")
    result = client.infer("iris-tensor", flowers(known), model_version=version, headers=headers)
    told = result.get_response()
    assert (told["model_name"], told["model_version"]) == ("iris-tensor", version)
    tensors.check(known, "probabilities", result.as_numpy("probabilities"))


def test_many_at_once(client: triton.InferenceServerClient, told: Handover, sample: Find) -> None:
    known = sample("iris-tensor")
    sent = [
        client.async_infer(
            "iris-tensor",
            flowers(known, binary=number % 2 == 0),
            request_id=str(number),
            headers={"Authorization": f"Bearer {told.token}"},
        )
        for number in range(12)
    ]
    for number, one in enumerate(sent):
        result = one.get_result(timeout=30)
        assert result.get_response()["id"] == str(number)
        tensors.check(known, "label", result.as_numpy("label"))


def test_below_the_path_of_a_gateway(told: Handover, headers: dict[str, str], sample: Find) -> None:
    known = sample("iris-tensor")
    with (
        Proxy(told.url, under="/gateway/ml") as proxy,
        triton.InferenceServerClient(f"127.0.0.1:{proxy.port}/gateway/ml") as client,
    ):
        assert client.is_server_ready(headers=headers)
        result = client.infer("iris-tensor", flowers(known), headers=headers)
        tensors.check(known, "label", result.as_numpy("label"))
