"""tritonclient.http: what is refused is told in the server's words, and the client's next call works."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.conformance.handover import Handover, Sample
from tests.conformance.test_triton import flowers, given

type Find = Callable[[str], Sample]


@pytest.fixture
def client(told: Handover) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(told.url.removeprefix("http://")) as client:
        yield client


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    """Status and message of what the client raised."""
    with pytest.raises(InferenceServerException) as raised:
        call()
    return str(raised.value.status()), str(raised.value.message())


@pytest.mark.parametrize(
    ("array", "datatype"),
    [
        (np.zeros((2, 3), np.float32), "FP32"),
        (np.zeros((4,), np.float32), "FP32"),
        (np.array([["a", "b", "c", "d"]], np.object_), "BYTES"),
    ],
)
@pytest.mark.parametrize("binary", [True, False])
def test_a_wrong_tensor(
    client: triton.InferenceServerClient,
    headers: dict[str, str],
    sample: Find,
    array: Any,
    datatype: str,
    binary: bool,
) -> None:
    inputs = [given("X", datatype, array, binary=binary)]
    status, message = refused(lambda: client.infer("iris-tensor", inputs, headers=headers))
    assert status == "400"
    assert "'X'" in message
    assert client.infer("iris-tensor", flowers(sample("iris-tensor")), headers=headers).as_numpy("label") is not None


def test_a_missing_input_is_named(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    inputs = [given("petal_length", "FP64", np.array([1.4]), binary=True)]
    status, message = refused(lambda: client.infer("iris-columns", inputs, headers=headers))
    assert status == "400"
    assert "sepal_length" in message


def test_an_unknown_output_is_named(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find
) -> None:
    wanted = [triton.InferRequestedOutput("colour")]
    inputs = flowers(sample("iris-tensor"))
    status, message = refused(lambda: client.infer("iris-tensor", inputs, outputs=wanted, headers=headers))
    assert status == "400"
    assert "colour" in message


def test_classification_is_not_taken(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find
) -> None:
    wanted = [triton.InferRequestedOutput("probabilities", class_count=2)]
    inputs = flowers(sample("iris-tensor"))
    status, message = refused(lambda: client.infer("iris-tensor", inputs, outputs=wanted, headers=headers))
    assert status == "400"
    assert "classification" in message


@pytest.mark.parametrize(("model", "version"), [("orchids", ""), ("iris-tensor", "purple")])
def test_what_is_not_there(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find, model: str, version: str
) -> None:
    inputs = flowers(sample("iris-tensor"))
    for call in (
        lambda: client.get_model_metadata(model, version, headers=headers),
        lambda: client.infer(model, inputs, model_version=version, headers=headers),
    ):
        status, message = refused(call)
        assert status == "404"
        assert (version or model) in message
    assert not client.is_model_ready(model, version, headers=headers)


NOT_OFFERED: dict[str, Callable[[triton.InferenceServerClient, dict[str, str]], Any]] = {
    "model config": lambda client, headers: client.get_model_config("iris-tensor", headers=headers),
    "load": lambda client, headers: client.load_model("iris-tensor", headers=headers),
    "unload": lambda client, headers: client.unload_model("iris-tensor", headers=headers),
    "statistics": lambda client, headers: client.get_inference_statistics("iris-tensor", headers=headers),
    "all statistics": lambda client, headers: client.get_inference_statistics(headers=headers),
    "trace settings": lambda client, headers: client.get_trace_settings(headers=headers),
    "log settings": lambda client, headers: client.get_log_settings(headers=headers),
    "system shared memory": lambda client, headers: client.get_system_shared_memory_status(headers=headers),
    "CUDA shared memory": lambda client, headers: client.get_cuda_shared_memory_status(headers=headers),
}


@pytest.mark.parametrize("name", NOT_OFFERED)
def test_triton_s_other_extensions_are_not_offered(
    client: triton.InferenceServerClient, headers: dict[str, str], name: str
) -> None:
    status, message = refused(lambda: NOT_OFFERED[name](client, headers))
    assert status == "404"
    assert message


def test_without_a_token(client: triton.InferenceServerClient, sample: Find) -> None:
    inputs = flowers(sample("iris-tensor"))
    assert refused(lambda: client.infer("iris-tensor", inputs))[0] == "401"
    assert refused(lambda: client.get_model_metadata("iris-tensor"))[0] == "401"


def test_without_the_role(client: triton.InferenceServerClient, told: Handover, sample: Find) -> None:
    inputs = flowers(sample("iris-tensor"))
    headers = {"Authorization": f"Bearer {told.strangers_token}"}
    assert refused(lambda: client.infer("iris-tensor", inputs, headers=headers))[0] == "403"
