"""The body of `POST …/jobs`."""

import json
from typing import Any

import pytest

from shared.batch.intake.request import IGNORED, MAX_INPUTS, JobRequest, canonical, read_request
from shared.batch.job import JobInput
from shared.endpoints.batch_settings import CsvOverrides, Overrides, RetryOverrides
from shared.endpoints.locations import Known
from shared.ports import Place

PARTNER = "https://partner.blob.core.windows.net"
KNOWN = Known(("https://data.blob.core.windows.net",), (PARTNER,))
FILE = {"JobInputType": "UriFile", "Uri": "inbox/flowers/x.csv"}


def request(**properties: Any) -> JobRequest:
    return read_request(json.dumps({"properties": {"InputData": {"flowers": FILE}, **properties}}).encode(), KNOWN)


def test_a_request_names_what_to_score_and_nothing_else() -> None:
    expected = (JobInput(name="flowers", location="inbox/flowers/x.csv"),)
    assert request() == JobRequest(expected, None, {}, Overrides(), None, None)


DOCUMENTED = {
    "InputData": {
        "second": {"JobInputType": "UriFolder", "Uri": f"{PARTNER}/data/flowers"},
        "first": {"JobInputType": "UriFile", "Uri": "https://data.blob.core.windows.net/inbox/flowers/a%20b.csv"},
        "scale": {"JobInputType": "Literal", "Value": 1.5},
        "mode": {"JobInputType": "Literal", "Value": "append"},
    },
    "OutputData": {"score": {"JobOutputType": "UriFile", "Uri": "predictions/flowers/mine/all.csv"}},
    "RetrySettings": {"MaxRetries": 5, "Timeout": "PT1M30S"},
    "ErrorThreshold": 10, "MiniBatchSize": 100, "OutputFileName": "all.csv", "MaxConcurrencyPerInstance": 3,
    "OutputAction": "AppendRow",
}  # fmt: skip


def small(value: Any) -> Any:
    """The same with the first letter of every name small, as the SDK writes it."""
    if not isinstance(value, dict):
        return value
    return {name[:1].lower() + name[1:]: small(inner) for name, inner in value.items()}


@pytest.mark.parametrize("spelled", [{"properties": DOCUMENTED}, {"Properties": DOCUMENTED}, small({"p": DOCUMENTED})])
def test_azure_mls_body_is_read_in_both_spellings(spelled: dict[str, Any]) -> None:
    body = json.dumps({"properties": spelled["p"]} if "p" in spelled else spelled).encode()
    read = read_request(body, KNOWN, deployment="blue", model="first")
    assert read == JobRequest(
        inputs=(
            JobInput(name="first", location="inbox/flowers/a b.csv"),
            JobInput(name="second", location=f"{PARTNER}/data/flowers/"),
        ),
        output=Place("", "predictions", "flowers/mine/"),
        params={"scale": 1.5, "mode": "append"},
        overrides=Overrides(
            retry_settings=RetryOverrides(max_retries=5, timeout=90),
            error_threshold=10,
            mini_batch_size=100,
            output_file_name="all.csv",
            output_format="csv",
            max_concurrency=3,
            output_action="append_row",
        ),
        deployment="blue",
        model="first",
    )


@pytest.mark.parametrize("value", ["append", "", "1.5", 1, 1.5, -1, True, False, "é" * 1000])
def test_literals_come_as_they_are(value: object) -> None:
    read = request(InputData={"flowers": FILE, "p": {"JobInputType": "Literal", "Value": value}})
    assert read.params == {"p": value}
    assert type(read.params["p"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "uri", "location"),
    [
        ("UriFile", "inbox/flowers/x.csv", "inbox/flowers/x.csv"),
        ("UriFile", "inbox/flowers/*.csv", "inbox/flowers/*.csv"),
        ("UriFolder", "inbox/flowers", "inbox/flowers/"),
        ("UriFolder", "inbox/flowers/", "inbox/flowers/"),
        ("UriFolder", "inbox/flowers/**/*.csv", "inbox/flowers/**/*.csv"),
        ("UriFolder", f"{PARTNER}/data/a%3Fb", f"{PARTNER}/data/a%3Fb/"),
    ],
)
def test_an_input_is_a_blob_a_folder_or_a_pattern(kind: str, uri: str, location: str) -> None:
    assert request(InputData={"x": {"JobInputType": kind, "Uri": uri}}).inputs[0].location == location


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"inputFormat": "jsonl"}, Overrides(input_format="jsonl")),
        (
            {"csv": {"delimiter": ";", "quoteChar": "'", "encoding": "cp1252", "header": False}},
            Overrides(csv=CsvOverrides(delimiter=";", quote_char="'", encoding="cp1252", header=False)),
        ),
        ({"outputFormat": "parquet"}, Overrides(output_format="parquet")),
        ({"outputColumns": ["*"]}, Overrides(output_columns=("*",))),
        ({"errorThreshold": -1}, Overrides(error_threshold=-1)),
        ({"errorThreshold": "5%"}, Overrides(error_threshold="5%")),
        ({"errorThreshold": "0.5%"}, Overrides(error_threshold="0.5%")),
        ({"retrySettings": {"timeout": 2.5}}, Overrides(retry_settings=RetryOverrides(timeout=2.5))),
        ({"retrySettings": {"timeout": "PT2M"}}, Overrides(retry_settings=RetryOverrides(timeout=120))),
        ({"maxConcurrency": 7}, Overrides(max_concurrency=7)),
        ({"outputAction": "summary_only"}, Overrides(output_action="summary_only")),
        ({"outputAction": "SummaryOnly"}, Overrides(output_action="summary_only")),
        ({"outputFileName": "x.JSONL"}, Overrides(output_file_name="x.JSONL", output_format="jsonl")),
        (
            {"outputFileName": "x.csv", "outputFormat": "parquet"},
            Overrides(output_file_name="x.csv", output_format="parquet"),
        ),
        ({"outputFileName": "x.txt"}, Overrides(output_file_name="x.txt")),
        ({"miniBatchSize": None, "csv": None}, Overrides()),
    ],
)
def test_a_job_sets_for_itself_what_the_endpoint_file_sets_for_all(
    properties: dict[str, Any], expected: Overrides
) -> None:
    assert request(**properties).overrides == expected


@pytest.mark.parametrize(
    ("kind", "uri", "folder", "file_name", "output_format"),
    [
        ("UriFile", "predictions/flowers/a/x.csv", "predictions/flowers/a/", "x.csv", "csv"),
        ("UriFile", "predictions/flowers/a/x.parquet", "predictions/flowers/a/", "x.parquet", "parquet"),
        ("UriFile", "data/x.jsonl", "data/", "x.jsonl", "jsonl"),
        ("UriFile", f"{PARTNER}/data/a/x.csv", f"{PARTNER}/data/a/", "x.csv", "csv"),
        ("UriFile", f"{PARTNER}/data/a", f"{PARTNER}/data/a/", None, None),
        ("UriFile", "predictions/flowers/a", "predictions/flowers/a/", None, None),
        ("UriFile", "predictions/flowers/a/", "predictions/flowers/a/", None, None),
        ("UriFile", "predictions/flowers/2026.11.26", "predictions/flowers/2026.11.26/", None, None),
        ("UriFile", "predictions/flowers/.hidden", "predictions/flowers/.hidden/", None, None),
        ("UriFolder", "predictions/flowers/x.csv", "predictions/flowers/x.csv/", None, None),
    ],
)
def test_an_output_with_a_suffix_is_a_file_in_a_folder(
    kind: str, uri: str, folder: str, file_name: str | None, output_format: str | None
) -> None:
    read = request(OutputData={"score": {"JobOutputType": kind, "Uri": uri}})
    assert str(read.output) == folder
    assert (read.overrides.output_file_name, read.overrides.output_format) == (file_name, output_format)


@pytest.mark.parametrize("output", [None, {}, {"score": {"JobOutputType": "UriFile"}}])
def test_without_an_output_the_job_gets_one_of_its_own(output: object) -> None:
    assert request(OutputData=output).output is None


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_what_means_nothing_here_is_ignored(name: str) -> None:
    for spelled in (name, name[0].upper() + name[1:]):
        assert request(**{spelled: {"any": ["thing"]}}) == request()


def test_a_model_in_the_body_goes_before_the_header() -> None:
    body = json.dumps({"properties": {"InputData": {"x": FILE}, "model": "body"}}).encode()
    assert read_request(body, KNOWN, model="header").model == "body"


def test_as_many_inputs_as_allowed_are_taken_in_the_order_of_their_names() -> None:
    given = {f"x{number:03d}": FILE for number in reversed(range(MAX_INPUTS))}
    assert [each.name for each in request(InputData=given).inputs] == sorted(given)


def canonical_of(properties: Any, **headers: Any) -> str:
    return canonical(read_request(json.dumps({"properties": properties}).encode(), KNOWN, **headers))


def test_one_request_is_one_text_however_it_is_spelled() -> None:
    backwards = {name: value for name, value in reversed(DOCUMENTED.items()) if name != "tags"}
    backwards["InputData"] = dict(reversed(DOCUMENTED["InputData"].items()))  # type: ignore[attr-defined]
    expected = canonical_of(DOCUMENTED)
    assert canonical_of(small(DOCUMENTED)) == expected
    assert canonical_of({**backwards, "tags": {"a": 1}, "outputFormat": "csv"}) == expected
    assert canonical_of({**DOCUMENTED, "outputColumns": None}) == expected
    assert json.loads(expected)["output"] == "predictions/flowers/mine/"


@pytest.mark.parametrize(
    "change",
    [
        {"InputData": {"other": FILE}},
        {"InputData": {"x": {**FILE, "Uri": "inbox/flowers/y.csv"}}},
        {"InputData": {"x": FILE, "p": {"JobInputType": "Literal", "Value": 1}}},
        {"InputData": {"x": FILE, "p": {"JobInputType": "Literal", "Value": 1.0}}},
        {"InputData": {"x": FILE, "p": {"JobInputType": "Literal", "Value": True}}},
        {"InputData": {"x": FILE, "p": {"JobInputType": "Literal", "Value": "1"}}},
        {"OutputData": {"s": {"Uri": "data/x/"}}},
        {"miniBatchSize": 5000},
        {"model": "a"},
    ],
)
def test_another_request_is_another_text(change: dict[str, Any]) -> None:
    plain = {"InputData": {"x": FILE}}
    texts = {canonical_of(plain), canonical_of({**plain, **change})}
    with_one = {**plain, "InputData": {"x": FILE, "p": {"JobInputType": "Literal", "Value": 2}}}
    assert len(texts | {canonical_of(with_one), canonical_of(plain, deployment="blue")}) == 4
