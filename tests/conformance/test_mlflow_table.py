"""MLflow's scoring protocol, request by request, beside `mlflow models serve` with the same model in the same run."""

import http.client
import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.conformance import scoring_requests
from tests.conformance.handover import Handover, Sample
from tests.conformance.scoring_requests import Asked

type Find = Callable[[str], Sample]

# With a signature and an optional last column; with a signature and a parameter; without a signature.
ENDPOINTS: Final = ("iris-columns", "iris-params", "iris-plain")
REQUESTS: Final = list(scoring_requests.make(Sample(["a", "b", "sepal_width", "petal_width"], [[0.0] * 4] * 3, {})))


class Difference(NamedTuple):
    """What is answered here, and why it is not what MLflow's server answers."""

    status: int
    why: str


_NO_TYPE: Final = Difference(200, "MLflow's server fails with a 500; most clients mean JSON")
_NULL: Final = Difference(400, "a required column has a value in every row; MLflow's server hands the model a NaN")
_RAGGED: Final = Difference(400, "a short row is a mistake; MLflow's server fills it up with NaN where it is the last")
_PARAMS: Final = Difference(400, "params are an object; MLflow's server ignores any others where the model takes none")
_MODEL: Final = Difference(424, "the model itself fails, as it told nobody what it takes: 424 in every protocol here")
_TABLE: Final = Difference(200, "columns by name are a table; MLflow's server hands the model a dictionary of arrays")
DIFFERENCES: Final[dict[tuple[str, str], Difference]] = {
    **{(endpoint, "no content type"): _NO_TYPE for endpoint in ENDPOINTS},
    **{(endpoint, "records, null"): _NULL for endpoint in ("iris-columns", "iris-params")},
    ("iris-params", "records, null in the last column"): _NULL,
    **{(endpoint, "ragged split"): _RAGGED for endpoint in ("iris-columns", "iris-params")},
    **{(endpoint, "params is a list"): _PARAMS for endpoint in ("iris-columns", "iris-plain")},
    **{
        ("iris-plain", name): _MODEL
        for name in (
            "split, reordered",
            "csv, reordered",
            "split, extra column",
            "records, extra column",
            "split, missing column",
            "csv, missing column",
            "records, text in a number",
            "csv, text in a number",
            "records, null",
            "records, null in the last column",
            "records, without the last column",
        )
    },
    **{
        ("iris-plain", name): _TABLE
        for name in (
            "inputs, dict of lists",
            "inputs, dict of scalars",
            "inputs, list of dicts",
            "instances, list of dicts",
        )
    },
    ("iris-columns", "records, without the last column"): Difference(
        200, "an optional column may be left out; MLflow's onnx flavor then feeds a matrix that is too narrow"
    ),
}
MESSAGES: Final = {
    "split is a list": "Dataframe split format must be a dictionary. Got list.",
    "records is an object": "Dataframe records format must be a list of records. Got dictionary.",
    "two forms": "exactly one of the input fields",
    "no form": "exactly one of the input fields",
    "a list": "exactly one of the input fields",
    "bad JSON": "Invalid input. Ensure that input is a valid JSON formatted string",
    "empty": "Invalid input. Ensure that input is a valid JSON formatted string",
    "charset latin-1": "The scoring server only supports UTF-8",
    "another parameter": "Unrecognized content type parameters: format",
    "text/plain": "This predictor only supports the following content types",
}


class Answer(NamedTuple):
    status: int
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


def ask(url: str, asked: Asked, token: str | None = None) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    headers = {"Content-Type": asked.content_type} if asked.content_type else {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request("POST", f"{parts.path}/invocations", asked.body, headers)
        reply = connection.getresponse()
        return Answer(reply.status, reply.read())
    finally:
        connection.close()


@pytest.fixture(params=ENDPOINTS)
def endpoint(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_as_by_mlflow_s_own_server(
    told: Handover, sample: Find, endpoint: str, name: str
) -> None:
    asked = scoring_requests.make(sample(endpoint))[name]
    here = ask(f"{told.url}/endpoints/{endpoint}", asked, told.token)
    there = ask(told.oracles[endpoint], asked)
    difference = DIFFERENCES.get((endpoint, name))
    if difference is not None:
        assert (here.status, there.status != here.status) == (difference.status, True), here.body
        return
    assert here.status == there.status, here.body
    if here.status == 200:
        assert close(here.document["predictions"], there.document["predictions"])
    elif here.status == 400:
        assert here.document["error_code"] == there.document["error_code"]
        assert here.document["message"]
        assert "stack_trace" not in here.document
    if name in MESSAGES:
        assert MESSAGES[name] in here.body.decode()
        assert MESSAGES[name] in there.body.decode()


def close(one: Any, other: Any) -> bool:
    """The same structure, the same texts and whole numbers, floats as far as 32 bits hold them."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return bool(one == pytest.approx(other, rel=1e-6))
    return bool(one == other)


@pytest.mark.parametrize("factor", [None, 2, 0.5])
def test_a_parameter_is_used(told: Handover, sample: Find, factor: float | None) -> None:
    known = sample("iris-params")
    table = {"columns": known.columns, "data": known.data}
    document: dict[str, Any] = {"dataframe_split": table}
    if factor is not None:
        document["params"] = {"factor": factor}
    asked = Asked(scoring_requests.JSON, json.dumps(document).encode())
    here = ask(f"{told.url}/endpoints/iris-params", asked, told.token)
    there = ask(told.oracles["iris-params"], asked)
    assert (here.status, there.status) == (200, 200)
    assert close(here.document["predictions"], there.document["predictions"])
    expected = [total * (factor or 1) for total in known.outputs[""]]
    assert here.document["predictions"] == pytest.approx(expected)


def test_a_parameter_of_a_wrong_type_is_refused(told: Handover, sample: Find) -> None:
    known = sample("iris-params")
    table = {"columns": known.columns, "data": known.data}
    asked = Asked(scoring_requests.JSON, json.dumps({"dataframe_split": table, "params": {"factor": "much"}}).encode())
    here = ask(f"{told.url}/endpoints/iris-params", asked, told.token)
    there = ask(told.oracles["iris-params"], asked)
    assert (here.status, there.status) == (400, 400)
    assert "factor" in here.document["message"]


@pytest.mark.parametrize("form", ["instances", "inputs"])
@pytest.mark.parametrize("named", [True, False])
def test_tensors(told: Handover, sample: Find, form: str, named: bool) -> None:
    known = sample("iris-tensor")
    named_data: Any = {"X": known.data} if form == "inputs" else [{"X": row} for row in known.data]
    data = named_data if named else known.data
    asked = Asked(scoring_requests.JSON, json.dumps({form: data}).encode())
    here = ask(f"{told.url}/endpoints/iris-tensor", asked, told.token)
    there = ask(told.oracles["iris-tensor"], asked)
    assert here.status == there.status == 200, here.body
    assert close(here.document["predictions"], there.document["predictions"])
