"""KServe's InferenceRESTClient, protocol v2."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import numpy as np
import pytest
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

from tests.conformance import tensors
from tests.conformance.handover import Handover, Sample
from tests.conformance.proxy import Proxy

type Find = Callable[[str], Sample]


@pytest.fixture
async def client() -> AsyncIterator[InferenceRESTClient]:
    async with InferenceRESTClient(RESTConfig(protocol="v2", retries=0)) as client:
        yield client


def given(name: str, datatype: str, array: Any, *, binary: bool) -> InferInput:
    tensor = InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def many_types(sample: Sample, *, binary: bool) -> list[InferInput]:
    """FP16 is always sent as binary data, because this client sends it in no other way."""
    return [
        given(name, tensors.DATATYPES[name][0], array, binary=binary or name == "half")
        for name, array in tensors.many_types(sample).items()
    ]


async def test_health(client: InferenceRESTClient, told: Handover, headers: dict[str, str]) -> None:
    assert await client.is_server_live(told.url, headers=headers) is True
    assert await client.is_server_ready(told.url, headers=headers) is True
    assert await client.is_model_ready(told.url, "iris-tensor", headers=headers) is True
    assert await client.is_model_ready(told.url, "orchids", headers=headers) is False


@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("binary_in", [True, False])
async def test_all_types_there_and_back(
    client: InferenceRESTClient,
    told: Handover,
    headers: dict[str, str],
    sample: Find,
    binary_in: bool,
    binary_out: bool,
) -> None:
    known = sample("many-types")
    wanted = [
        RequestedOutput(name, parameters={"binary_data": binary_out or name == "half_out"}) for name in known.outputs
    ]
    request = InferRequest("many-types", many_types(known, binary=binary_in), "42", request_outputs=wanted)
    result = await client.infer(told.url, request, model_name="many-types", headers=headers)
    assert (result.id, result.model_name) == ("42", "many-types")
    for output in result.outputs:
        tensors.check(known, output.name, output.as_numpy())
    assert [output.name for output in result.outputs] == list(known.outputs)


async def test_all_outputs_as_binary_data(
    client: InferenceRESTClient, told: Handover, headers: dict[str, str], sample: Find
) -> None:
    known = sample("many-types")
    request = InferRequest("many-types", many_types(known, binary=True), parameters={"binary_data_output": True})
    told_headers: dict[str, str] = {}
    result = await client.infer(
        told.url, request, model_name="many-types", headers=headers, response_headers=told_headers
    )
    assert told_headers["content-type"] == "application/octet-stream"
    for output in result.outputs:
        tensors.check(known, output.name, output.as_numpy())


async def test_a_plain_document(
    client: InferenceRESTClient, told: Handover, headers: dict[str, str], sample: Find
) -> None:
    known = sample("iris-tensor")
    rows = known.data
    document = {"inputs": [{"name": "X", "datatype": "FP32", "shape": [len(rows), 4], "data": rows}]}
    result = await client.infer(told.url, document, model_name="iris-tensor", headers=headers)
    assert result.id
    tensors.check(known, "label", result.outputs[0].as_numpy())


async def test_below_the_path_of_a_gateway(
    client: InferenceRESTClient, told: Handover, headers: dict[str, str], sample: Find
) -> None:
    known = sample("iris-tensor")
    with Proxy(told.url, under="/serving") as proxy:
        base = f"http://127.0.0.1:{proxy.port}/serving"
        assert await client.is_server_ready(base, headers=headers)
        inputs = [given("X", "FP32", np.array(known.data, np.float32), binary=True)]
        result = await client.infer(
            base, InferRequest("iris-tensor", inputs), model_name="iris-tensor", headers=headers
        )
    tensors.check(known, "label", result.outputs[0].as_numpy())


@pytest.mark.parametrize(
    ("model", "shape", "status", "words"),
    [("iris-tensor", (1, 3), 400, "X"), ("orchids", (1, 4), 404, "orchids")],
)
async def test_an_error_is_told(
    client: InferenceRESTClient,
    told: Handover,
    headers: dict[str, str],
    model: str,
    shape: tuple[int, int],
    status: int,
    words: str,
) -> None:
    """This client shows the message only where the content type is exactly application/json."""
    request = InferRequest(model, [given("X", "FP32", np.zeros(shape, np.float32), binary=False)])
    with pytest.raises(httpx.HTTPStatusError) as raised:
        await client.infer(told.url, request, model_name=model, headers=headers)
    assert raised.value.response.status_code == status
    assert words in str(raised.value).partition(f"'{status}")[0]


async def test_without_a_token(client: InferenceRESTClient, told: Handover) -> None:
    request = InferRequest("iris-tensor", [given("X", "FP32", np.zeros((1, 4), np.float32), binary=False)])
    with pytest.raises(httpx.HTTPStatusError) as raised:
        await client.infer(told.url, request, model_name="iris-tensor")
    assert raised.value.response.status_code == 401
