"""tritonclient.http.aio, the client for event loops."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
import tritonclient.http.aio as triton
from tritonclient.utils import InferenceServerException

from tests.conformance import tensors
from tests.conformance.handover import Handover, Sample

type Find = Callable[[str], Sample]


@pytest.fixture
async def client(told: Handover) -> AsyncIterator[triton.InferenceServerClient]:
    async with triton.InferenceServerClient(told.url.removeprefix("http://")) as client:
        yield client


def given(name: str, datatype: str, array: Any, *, binary: bool) -> triton.InferInput:
    tensor = triton.InferInput(name, list(array.shape), datatype)
    return tensor.set_data_from_numpy(array, binary_data=binary)


def flowers(sample: Sample, *, binary: bool = True) -> list[triton.InferInput]:
    return [given("X", "FP32", np.array(sample.data, np.float32), binary=binary)]


async def test_health_and_metadata(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    assert await client.is_server_live(headers=headers)
    assert await client.is_server_ready(headers=headers)
    assert await client.is_model_ready("iris-tensor", headers=headers)
    assert await client.is_model_ready("iris-tensor", "green", headers=headers)
    assert not await client.is_model_ready("orchids", headers=headers)
    assert (await client.get_server_metadata(headers=headers))["name"] == "slipway"
    metadata = await client.get_model_metadata("iris-tensor", headers=headers)
    assert metadata["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 4]}]
    index = await client.get_model_repository_index(headers=headers)
    assert ("iris-tensor", "blue") in {(model["name"], model["version"]) for model in index}


@pytest.mark.parametrize("binary", [True, False])
async def test_all_types_there_and_back(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find, binary: bool
) -> None:
    known = sample("many-types")
    inputs = [
        given(name, tensors.DATATYPES[name][0], array, binary=binary or name == "half")
        for name, array in tensors.many_types(known).items()
    ]
    outputs = [triton.InferRequestedOutput(name, binary_data=binary or name == "half_out") for name in known.outputs]
    result = await client.infer("many-types", inputs, outputs=outputs, request_id="77", headers=headers)
    assert result.get_response()["id"] == "77"
    for name in known.outputs:
        tensors.check(known, name, result.as_numpy(name))


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
async def test_packed_requests(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find, algorithm: str
) -> None:
    known = sample("iris-tensor")
    result = await client.infer("iris-tensor", flowers(known), headers=headers, request_compression_algorithm=algorithm)
    tensors.check(known, "probabilities", result.as_numpy("probabilities"))


async def test_many_at_once(client: triton.InferenceServerClient, told: Handover, sample: Find) -> None:
    known = sample("iris-tensor")
    results = await asyncio.gather(
        *(
            client.infer("iris-tensor", flowers(known), headers={"Authorization": f"Bearer {told.token}"})
            for _ in range(16)
        )
    )
    for result in results:
        tensors.check(known, "label", result.as_numpy("label"))


async def test_an_error_is_told_and_the_next_call_works(
    client: triton.InferenceServerClient, headers: dict[str, str], sample: Find
) -> None:
    """Each call has headers of its own: this client leaves the length of one call's JSON in what it is given."""
    wrong = [given("X", "FP32", np.zeros((1, 3), np.float32), binary=True)]
    with pytest.raises(InferenceServerException, match="X") as raised:
        await client.infer("iris-tensor", wrong, headers=dict(headers))
    assert raised.value.status() == "400"
    known = sample("iris-tensor")
    result = await client.infer("iris-tensor", flowers(known, binary=False), headers=headers)
    tensors.check(known, "label", result.as_numpy("label"))


async def test_what_is_not_offered_is_not_found(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    with pytest.raises(InferenceServerException) as raised:
        await client.get_model_config("iris-tensor", headers=headers)
    assert raised.value.status() == "404"
