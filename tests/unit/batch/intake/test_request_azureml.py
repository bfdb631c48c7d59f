"""What Azure ML's own SDK sends for `ml_client.batch_endpoints.invoke` is read."""

import json
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from shared.batch.intake.request import JobRequest, read_request
from shared.endpoints.batch_settings import Overrides, RetryOverrides
from shared.endpoints.locations import Known
from shared.errors import MalformedRequest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own, about marshmallow
    from azure.ai.ml import Input, Output
    from azure.ai.ml.operations import BatchEndpointOperations

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK's own

DATA = "https://data.blob.core.windows.net"
FOLDER = Input(type="uri_folder", path=f"{DATA}/inbox/flowers")


class Sdk:
    """Azure ML's client with nothing behind it, which keeps the body that it sends. It takes no 202 for an answer."""

    def __init__(self, mocker: MockerFixture) -> None:
        self._mocker = mocker

    def sends(self, **call: Any) -> bytes:
        pipeline = self._mocker.Mock()
        pipeline.post.return_value.status_code = 201
        pipeline.post.return_value.text.return_value = json.dumps({"id": "x", "name": "x", "type": "x"})
        endpoint = SimpleNamespace(properties=SimpleNamespace(scoring_uri="https://slipway.example/endpoints/e/jobs"))
        operations = BatchEndpointOperations.__new__(BatchEndpointOperations)
        vars(operations).update(
            _batch_operation=SimpleNamespace(get=lambda **_: endpoint),
            _requests_pipeline=pipeline,
            _credentials=None,
            _init_kwargs={},
            _operation_scope=SimpleNamespace(resource_group_name="group", workspace_name="workspace"),
        )
        operations.invoke("e", **call)
        return json.dumps(pipeline.post.call_args.kwargs["json"]).encode()

    def asks(self, **call: Any) -> JobRequest:
        return read_request(self.sends(**call), Known((DATA,)))


@pytest.fixture
def sdk(mocker: MockerFixture) -> Sdk:
    return Sdk(mocker)


def test_one_input_is_named_after_its_type(sdk: Sdk) -> None:
    read = sdk.asks(input=FOLDER)
    assert [(each.name, each.location) for each in read.inputs] == [("UriFolder", "inbox/flowers/")]
    read = sdk.asks(input=Input(type="uri_file", path=f"{DATA}/inbox/flowers/x.csv"))
    assert [(each.name, each.location) for each in read.inputs] == [("UriFile", "inbox/flowers/x.csv")]


def test_inputs_literals_and_outputs_are_read(sdk: Sdk) -> None:
    read = sdk.asks(
        inputs={
            "flowers": FOLDER,
            "scale": Input(type="number", default=1.5),
            "top": Input(type="integer", default=3),
            "mode": Input(type="string", default="append"),
            "strict": Input(type="boolean", default=True),
        },
        outputs={"score": Output(type="uri_file", path=f"{DATA}/predictions/e/mine/all.csv", mode="rw_mount")},
        experiment_name="spring",
        job_name="my-job",
    )
    assert [each.name for each in read.inputs] == ["flowers"]
    assert read.params == {"scale": 1.5, "top": 3, "mode": "append", "strict": True}
    assert str(read.output) == "predictions/e/mine/"
    assert read.overrides == Overrides(output_file_name="all.csv", output_format="csv")


def test_overrides_are_read(sdk: Sdk) -> None:
    read = sdk.asks(
        input=FOLDER,
        outputs={"score": Output(type="uri_folder", path=f"{DATA}/predictions/e/mine")},
        params_override=[
            {"mini_batch_size": 10},
            {"error_threshold": 4},
            {"output_file_name": "all.jsonl"},
            {"retry_settings": {"max_retries": 2, "timeout": 30}},
            {"compute.instance_count": 4},
        ],
    )
    assert str(read.output) == "predictions/e/mine/"
    assert read.overrides == Overrides(
        mini_batch_size=10,
        error_threshold=4,
        output_file_name="all.jsonl",
        output_format="jsonl",
        retry_settings=RetryOverrides(max_retries=2, timeout=30),
    )


def test_what_lives_in_a_workspace_is_refused_with_what_to_write(sdk: Sdk) -> None:
    told: list[tuple[dict[str, Any], str]] = [
        (
            {"inputs": {"x": Input(type="mltable", path=f"{DATA}/inbox/flowers")}},
            "InputData.x.JobInputType: send one of",
        ),
        (
            {
                "input": FOLDER,
                "params_override": [{"output_dataset": {"datastore_id": "azureml:blobs", "path": "out"}}],
            },
            "OutputData.output_name.Uri: datastores and data assets of Azure ML are not known here",
        ),
        (
            {"input": FOLDER, "params_override": [{"dataset": "azureml:flowers:1"}]},
            "properties.dataset: data assets of Azure ML are not known here",
        ),
    ]
    for call, expected in told:
        with pytest.raises(MalformedRequest) as caught:
            sdk.asks(**call)
        assert expected in caught.value.message
