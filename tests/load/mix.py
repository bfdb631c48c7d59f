"""What the callers of the soak send: every protocol, right and wrong, and which answers are right."""

import gzip
import io
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.conformance.handover import Sample

GOOD, NONE, GARBAGE, EXPIRED, STRANGER = "good", "none", "garbage", "expired", "stranger"
_JSON: Final = "application/json"


class Kind(NamedTuple):
    """One sort of request. `weight`: how often it is sent, beside the others; `tells`: what is in a right answer."""

    protocol: str
    name: str
    path: str
    body: bytes = b""
    content_type: str | None = _JSON
    expected: frozenset[int] = frozenset({200})
    tells: bytes = b""
    weight: float = 10.0
    method: str = "POST"
    token: str = GOOD
    headers: Mapping[str, str] = {}


def make(samples: Mapping[str, Sample], flights: bytes) -> list[Kind]:
    """`flights`: the sample's request."""
    columns, tensor = samples["iris-columns"], samples["iris-tensor"]
    return [
        *_azureml(columns, tensor, flights),
        *_mlflow(columns, samples["iris-params"]),
        *_oip(tensor),
        *_oip_told(),
        *_tokens(flights),
    ]


def _dumps(document: Any) -> bytes:
    return json.dumps(document).encode()


def _wrong(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


def _azureml(columns: Sample, tensor: Sample, flights: bytes) -> list[Kind]:
    score, flight = "/endpoints/iris-tensor/score", "/endpoints/flight-delay/score"
    many = _dumps({"input_data": {"columns": columns.columns, "data": columns.data * 1000}})
    huge = b'{"input_data": "' + b" " * 17_000_000 + b'"}'
    lacking = _dumps({"input_data": {"columns": ["carrier"], "data": [["UA"]]}})

    def kind(name: str, path: str, body: bytes, *expected: int, **more: Any) -> Kind:
        return Kind("Azure ML", name, path, body, **{"expected": frozenset(expected or {200}), **more})

    return [
        kind("a flight", flight, flights, tells=b'"late"', weight=30),
        kind("a flight, pinned", flight, flights, headers={"azureml-model-deployment": "green"}),
        kind("three flowers", score, _dumps({"input_data": tensor.data}), tells=b'"label"', weight=30),
        kind("3,000 flowers", "/endpoints/iris-columns/score", many, weight=2),
        kind("bad JSON", score, b'{"input_data": [[1, 2', 400),
        kind("a column is missing", flight, lacking, 400),
        kind("NaN", score, b'{"input_data": [[1, 2, 3, NaN]]}', 200, 400),
        kind("nested too deep", score, b'{"input_data": ' + b"[" * 50_000, 400, weight=2),
        kind("CSV", score, b"a,b\n1,2\n", 415, content_type="text/csv"),
        kind("too large", score, huge, 413, weight=0.05),
        kind("unknown endpoint", "/endpoints/orchids/score", flights, 404),
        kind("unknown deployment", flight, flights, 404, headers={"azureml-model-deployment": "purple"}),
        kind("unknown path", "/endpoints/iris-tensor/nothing", flights, 404),
        kind("DELETE", score, b"", 405, method="DELETE"),
        kind("a broken model", "/endpoints/broken/score", _dumps({"input_data": tensor.data}), 503, weight=2),
    ]


def _mlflow(columns: Sample, params: Sample) -> list[Kind]:
    path = "/endpoints/iris-columns/invocations"
    split = {"columns": columns.columns, "data": columns.data}
    records = [dict(zip(columns.columns, row, strict=True)) for row in columns.data]
    csv = "\n".join([",".join(columns.columns), *(",".join(map(str, row)) for row in columns.data * 50)]).encode()
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), parquet)
    scaled = {"dataframe_split": {"columns": params.columns, "data": params.data}, "params": {"factor": 2}}

    def kind(name: str, body: bytes, *expected: int, **more: Any) -> Kind:
        return Kind("MLflow", name, more.pop("path", path), body, **{"expected": frozenset(expected or {200}), **more})

    return [
        kind("split", _dumps({"dataframe_split": split}), tells=b'"predictions"', weight=20),
        kind("records", _dumps({"dataframe_records": records}), tells=b'"predictions"'),
        kind("inputs", _dumps({"inputs": records}), tells=b'"predictions"'),
        kind("CSV", csv, content_type="text/csv", tells=b'"predictions"'),
        kind("Parquet", parquet.getvalue(), content_type="application/vnd.apache.parquet", tells=b'"predictions"'),
        kind("a model in a worker", _dumps(scaled), path="/endpoints/iris-params/invocations", tells=b"20.4"),
        kind("ragged", _dumps({"dataframe_split": {**split, "data": [[1.0], [1.0, 2.0]]}}), 400),
        kind("two forms", _dumps({"dataframe_split": split, "inputs": records}), 400),
        kind("broken Parquet", parquet.getvalue()[:-20], 400, content_type="application/vnd.apache.parquet"),
        kind("text", b"rows", 415, content_type="text/plain"),
        kind("ping", b"", path="/endpoints/iris-columns/ping", method="GET", content_type=None),
        kind("GET", b"", 405, method="GET", content_type=None),
    ]


def _oip(tensor: Sample) -> list[Kind]:
    path = "/v2/models/iris-tensor/infer"
    array = np.array(tensor.data, np.float32)
    described = {"name": "X", "datatype": "FP32", "shape": list(array.shape)}
    as_json = _dumps({"id": "1", "inputs": [{**described, "data": array.ravel().tolist()}]})
    head = {"inputs": [{**described, "parameters": {"binary_data_size": array.nbytes}}]}
    head["parameters"] = {"binary_data_output": True}  # type: ignore[assignment]
    binary_head = _dumps(head)
    binary = binary_head + array.tobytes()
    length = {"Inference-Header-Content-Length": str(len(binary_head))}
    wrong = _dumps({"inputs": [{"name": "X", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}]})

    def kind(name: str, body: bytes, *expected: int, **more: Any) -> Kind:
        return Kind(
            "Open Inference", name, more.pop("path", path), body, **{"expected": frozenset(expected or {200}), **more}
        )

    def packed(data: bytes, encoding: str) -> dict[str, Any]:
        headers = {**length, "Content-Encoding": encoding}
        return {"body": data, "headers": headers, "content_type": None, "tells": b"probabilities"}

    return [
        kind("JSON", as_json, tells=b'"label"', weight=20),
        kind("JSON, version", as_json, path="/v2/models/iris-tensor/versions/green/infer", tells=b'"green"'),
        kind("binary", binary, headers=length, content_type=None, tells=b"probabilities", weight=20),
        kind("binary, gzip", **packed(gzip.compress(binary), "gzip")),
        kind("binary, deflate", **packed(zlib.compress(binary), "deflate")),
        kind("not gzip", binary, 400, headers={**length, "Content-Encoding": "gzip"}),
        kind("binary, cut off", binary[:-7], 400, headers=length, content_type=None),
        kind("header of another length", binary, 400, headers={"Inference-Header-Content-Length": "7"}),
        kind("wrong shape", wrong, 400),
        kind("unknown model", as_json, 404, path="/v2/models/orchids/infer"),
        kind("unknown version", as_json, 404, path="/v2/models/iris-tensor/versions/purple/infer"),
    ]


def _oip_told() -> list[Kind]:
    def kind(name: str, path: str, *expected: int, **more: Any) -> Kind:
        return Kind(
            "Open Inference",
            name,
            path,
            **{"method": "GET", "content_type": None, "expected": frozenset(expected or {200}), **more},
        )

    return [
        kind("ready", "/v2/health/ready", weight=5),
        kind("metadata", "/v2/models/iris-tensor", tells=b'"FP32"', weight=5),
        kind("index", "/v2/repository/index", method="POST", tells=b'"iris-tensor"', weight=2),
        kind("model config", "/v2/models/iris-tensor/config", 404, weight=5),
        kind("PUT", "/v2/models/iris-tensor/infer", 405, method="PUT", weight=5),
    ]


def _tokens(flights: bytes) -> list[Kind]:
    path = "/endpoints/flight-delay/score"
    return [
        Kind("tokens", "none", path, flights, expected=_wrong(401), token=NONE, weight=5),
        Kind("tokens", "garbage", path, flights, expected=_wrong(401), token=GARBAGE, weight=5),
        Kind("tokens", "expired", path, flights, expected=_wrong(401), token=EXPIRED, weight=5),
        Kind("tokens", "without the role", path, flights, expected=_wrong(403), token=STRANGER, weight=5),
    ]
