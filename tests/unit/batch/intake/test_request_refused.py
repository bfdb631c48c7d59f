"""What the body of `POST …/jobs` may not be, and what its caller is told."""

import json
from typing import Any

import pytest

from shared.batch.intake.request import MAX_BYTES, MAX_INPUTS, REFUSED, read_request
from shared.endpoints.locations import Known
from shared.errors import MalformedRequest, PayloadTooLarge

KNOWN = Known(("https://data.blob.core.windows.net",))
FILE = {"JobInputType": "UriFile", "Uri": "inbox/flowers/x.csv"}


def problem(properties: Any) -> str:
    with pytest.raises(MalformedRequest) as caught:
        read_request(json.dumps({"properties": properties}).encode(), KNOWN)
    return caught.value.message


def problem_with(**properties: Any) -> str:
    return problem({"InputData": {"flowers": FILE}, **properties})


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_would_change_the_job_is_refused(name: str) -> None:
    assert problem_with(**{name: "x"}) == f"properties.{name}: {REFUSED[name]}"


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"InputDat": {}}, "properties.InputDat: is not known here: did you mean inputData?"),
        ({"mini_batch_size": 3}, "properties.mini_batch_size: is not known here: did you mean miniBatchSize?"),
        ({"xyzzy": 3}, "properties.xyzzy: is not known here: leave it away"),
        ({"a\nb" + "c" * 100: 3}, f"properties.a?b{'c' * 57}: is not known here: leave it away"),
        ({"miniBatchSize": 1, "MiniBatchSize": 1}, "properties.MiniBatchSize: is given twice, in two spellings"),
        (
            {"maxConcurrency": 1, "maxConcurrencyPerInstance": 1},
            "maxConcurrencyPerInstance: is given twice, under two names",
        ),
        ({"retrySettings": {"tries": 1}}, "retrySettings.tries: is not known here"),
        ({"retrySettings": {"maxRetrys": 1}}, "retrySettings.maxRetrys: is not known here: did you mean maxRetries?"),
        ({"retrySettings": 3}, "retrySettings: send an object"),
        ({"retrySettings": {"timeout": "30"}, "x": 1}, "properties.x"),
        ({"retrySettings": {"timeout": "Px"}}, "retrySettings.timeout: send seconds, or a duration such as PT30S"),
        ({"retrySettings": {"timeout": "PT1H"}}, "retrySettings.timeout: send seconds"),
        ({"retrySettings": {"timeout": 0}}, "retrySettings.timeout: send seconds"),
        ({"retrySettings": {"maxRetries": 11}}, "retrySettings.maxRetries: Input should be less than"),
        ({"model": 3}, "model: send its name, as text"),
        ({"errorThreshold": "many"}, "errorThreshold: send rows, a percentage such as 5%"),
        ({"errorThreshold": "101%"}, "errorThreshold: send rows, a percentage such as 5%"),
        ({"errorThreshold": -2}, "errorThreshold: send rows"),
        ({"miniBatchSize": 0}, "miniBatchSize: Input should be greater than or equal to 1"),
        ({"outputAction": "both"}, "outputAction: Input should be 'append_row' or 'summary_only'"),
        ({"outputAction": 3}, "outputAction: Input should be"),
        ({"outputFormat": "xlsx"}, "outputFormat: Input should be"),
        ({"outputFileName": "../x"}, "outputFileName: send a plain file name"),
        ({"outputFileName": "_SUCCESS"}, "outputFileName: send a plain file name"),
        ({"csv": {"delimiter": "ab"}}, "csv.delimiter: send one character"),
        ({"csv": {"quoteChar": "ab"}}, "csv.quoteChar: send one character"),
        ({"csv": {"encoding": "base64"}}, "csv.encoding: 'base64' is no encoding of files that is known"),
        ({"csv": ["x"]}, "csv: send an object"),
        ({"outputColumns": ["a", 3, 4]}, "outputColumns: Input should be a valid string"),
        ({"OutputData": {"a": {}, "b": {}}}, "OutputData: send an object with one output"),
        ({"OutputData": "x"}, "OutputData: send an object with one output"),
        ({"OutputData": {"s": "x"}}, "OutputData.s: send an object"),
        ({"OutputData": {"s": {"JobOutputType": "MLTable"}}}, "OutputData.s.JobOutputType: send UriFile or UriFolder"),
        ({"OutputData": {"s": {"Uri": 3}}}, "OutputData.s.Uri: send where the blobs are"),
        ({"OutputData": {"s": {"Uri": "models/../x"}}}, "OutputData.s.Uri: a location has no empty segments"),
        ({"outputFileName": "manifest.json"}, "rejected.jsonl and latest.json are names that an output has already"),
        ({"outputFileName": "rejected.jsonl"}, "names that an output has already"),
        ({"outputFileName": "latest.json"}, "names that an output has already"),
        ({"outputFileName": "part-1.csv"}, "names that an output has already"),
        (
            {"OutputData": {"s": {"JobOutputType": "UriFile", "Uri": "data/x/manifest.json"}}},
            "names that an output has already",
        ),
        ({"OutputData": {"s": {"Uri": "data/_x.csv"}}}, "outputFileName: send a plain file name"),
        (
            {"OutputData": {"s": {"Uri": "data/x.csv"}}, "outputFileName": "y.csv"},
            "outputFileName: OutputData names another file, x.csv: leave one away",
        ),
        ({"InputData": None}, "InputData: names nothing to score"),
        ({"InputData": {}}, "InputData: names nothing to score"),
        ({"InputData": {"p": {"JobInputType": "Literal", "Value": 1}}}, "InputData: names nothing to score"),
        ({"InputData": ["x"]}, "InputData: send an object of named inputs"),
        ({"InputData": {"x": "inbox/x"}}, "InputData.x: send an object"),
        ({"InputData": {"x": {"Uri": "inbox/x"}}}, "InputData.x.JobInputType: send one of UriFile, UriFolder, Literal"),
        ({"InputData": {"x": {"JobInputType": "MLTable", "Uri": "inbox/x"}}}, "InputData.x.JobInputType: send one of"),
        ({"InputData": {"x": {"JobInputType": ["UriFile"], "Uri": "x"}}}, "InputData.x.JobInputType: send one of"),
        ({"InputData": {"x": {"JobInputType": "UriFile"}}}, "InputData.x.Uri: send where the blobs are, as text"),
        ({"InputData": {"x": {"JobInputType": "UriFile", "Uri": "inbox/x/"}}}, "names a folder: send it as UriFolder"),
        (
            {"InputData": {"x": {"JobInputType": "UriFile", "Uri": "azureml://datastores/d/paths/x"}}},
            "InputData.x.Uri: datastores and data assets of Azure ML are not known here",
        ),
        ({"InputData": {"x": {**FILE, "Value": 1}}}, "InputData.x.Value: only a Literal has a Value"),
        ({"InputData": {"x": {**FILE, "Urj": 1}}}, "InputData.x.Urj: is not known here: did you mean uri?"),
        (
            {"InputData": {"x": FILE, "p": {"JobInputType": "Literal", "Value": 1, "Uri": "x"}}},
            "InputData.p.Uri: a Literal has a Value and no Uri",
        ),
        ({"InputData": {"x": FILE, "p": {"JobInputType": "Literal"}}}, "InputData.p.Value: send a text, a number"),
        (
            {"InputData": {"x": FILE, "p": {"JobInputType": "Literal", "Value": [1]}}},
            "InputData.p.Value: send a text, a number",
        ),
        ({"InputData": {"": FILE}}, "InputData.: an input's name has 1 to 255 characters"),
        ({"InputData": {"a\nb": FILE}}, "InputData.a?b: an input's name has 1 to 255 characters"),
        ({"InputData": {"a" * 256: FILE}}, "an input's name has 1 to 255 characters"),
        (
            {"InputData": {f"x{number}": FILE for number in range(MAX_INPUTS + 1)}},
            f"InputData: has at most {MAX_INPUTS} members",
        ),
    ],
)
def test_what_is_wrong_is_told(properties: dict[str, Any], expected: str) -> None:
    assert expected in problem_with(**properties)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = problem({"InputData": {"x": {"JobInputType": "UriFile"}}, "miniBatchSize": 0, "xyzzy": 1}).split("; ")
    assert [each.partition(":")[0] for each in told] == ["properties.xyzzy", "InputData.x.Uri", "miniBatchSize"]


def test_of_many_mistakes_the_first_ones_are_told() -> None:
    assert problem_with(**{f"miniBatchSiz{number}": 1 for number in range(10_000)}).endswith("; and 9980 more")


def test_what_is_told_is_bounded() -> None:
    told = problem_with(**{f"xyzzy{number}" * 20: 1 for number in range(100)})
    assert told.endswith("; and 80 more")
    assert len(told) < 20 * 510
    assert len(problem_with(csv={"encoding": "x" * 10_000})) == 500


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "it is empty"),
        (b"[]", "the body must be an object"),
        (b"{", "the body is not JSON"),
        (b"{}", "InputData: names nothing to score"),
        (b'{"properties": 3}', "properties: send an object"),
        (b'{"InputData": {}}', "InputData: put it into properties"),
        (b'{"properties": {}, "Properties": {}}', "Properties: is given twice, in two spellings"),
        (b'{"properties": {"model": "a", "model": "b"}}', '"model" is given twice in one object'),
        (b'{"properties": ' + b'{"a":' * 70 + b"1" + b"}" * 70 + b"}", "nested deeper than 64 levels"),
    ],
)
def test_a_body_that_is_no_request_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        read_request(body, KNOWN)
    assert told in caught.value.message


def test_a_body_is_bounded() -> None:
    body = json.dumps({"properties": {"InputData": {"x": FILE}}}).encode()
    assert read_request(body.ljust(MAX_BYTES), KNOWN).inputs
    with pytest.raises(PayloadTooLarge, match=f"at most {MAX_BYTES} bytes"):
        read_request(body.ljust(MAX_BYTES + 1), KNOWN)
