"""Requests to MLflow's scoring server, good and bad, for a model of the four iris columns."""

import io
import json
from typing import Any, Final, NamedTuple

import pandas as pd

from tests.conformance.handover import Sample

JSON: Final = "application/json"


class Asked(NamedTuple):
    content_type: str | None
    body: bytes


def _json(document: Any, content_type: str | None = JSON) -> Asked:
    return Asked(content_type, json.dumps(document).encode())


def make(sample: Sample) -> dict[str, Asked]:
    """By what is special in each."""
    frame = pd.DataFrame(sample.data, columns=sample.columns)
    return {**_tables(frame), **_lists(frame), **_forms(frame), **_types(frame)}


def _split(frame: pd.DataFrame) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(frame.to_json(orient="split"))
    return written


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    return written


def _tables(frame: pd.DataFrame) -> dict[str, Asked]:
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    reordered, extra = frame[frame.columns[::-1]], frame.assign(colour="blue")
    split = _split(frame)
    without_index = {name: split[name] for name in ("columns", "data")}
    return {
        "split": _json({"dataframe_split": split}),
        "split without index": _json({"dataframe_split": without_index}),
        "records": _json({"dataframe_records": _records(frame)}),
        "csv": Asked("text/csv", frame.to_csv(index=False).encode()),
        "parquet": Asked("application/vnd.apache.parquet", parquet.getvalue()),
        "split, reordered": _json({"dataframe_split": _split(reordered)}),
        "csv, reordered": Asked("text/csv", reordered.to_csv(index=False).encode()),
        "split, extra column": _json({"dataframe_split": _split(extra)}),
        "records, extra column": _json({"dataframe_records": _records(extra)}),
        "split, missing column": _json({"dataframe_split": _split(frame.drop(columns="sepal_width"))}),
        "csv, missing column": Asked("text/csv", frame.drop(columns="sepal_width").to_csv(index=False).encode()),
        "records, text in a number": _json({"dataframe_records": _records(frame.assign(sepal_width="wide"))}),
        "csv, text in a number": Asked("text/csv", frame.assign(sepal_width="wide").to_csv(index=False).encode()),
        "records, null": _json({"dataframe_records": _records(frame.assign(sepal_width=None))}),
        "records, null in the last column": _json({"dataframe_records": _records(frame.assign(petal_width=None))}),
        "records, without the last column": _json({"dataframe_records": _records(frame.drop(columns="petal_width"))}),
        "ragged split": _json({"dataframe_split": {**split, "data": [*split["data"][:2], [1.0, 2.0]]}}),
        "split is a list": _json({"dataframe_split": split["data"]}),
        "records is an object": _json({"dataframe_records": _split(frame)}),
    }


def _lists(frame: pd.DataFrame) -> dict[str, Asked]:
    rows = frame.to_numpy().tolist()
    return {
        "instances, 2-D": _json({"instances": rows}),
        "inputs, 2-D": _json({"inputs": rows}),
        "inputs, dict of lists": _json({"inputs": frame.to_dict("list")}),
        "inputs, dict of scalars": _json({"inputs": _records(frame)[0]}),
        "inputs, list of dicts": _json({"inputs": _records(frame)}),
        "instances, list of dicts": _json({"instances": _records(frame)}),
    }


def _forms(frame: pd.DataFrame) -> dict[str, Asked]:
    split = _split(frame)
    return {
        "two forms": _json({"dataframe_split": split, "instances": split["data"]}),
        "no form": _json({"data": split["data"]}),
        "empty object": _json({}),
        "a list": _json(split["data"]),
        "a text": _json("rows"),
        "null": _json(None),
        "bad JSON": Asked(JSON, b'{"dataframe_split": '),
        "empty": Asked(JSON, b""),
        "unknown extra key": _json({"dataframe_split": split, "client": "mine"}),
        "unknown params": _json({"dataframe_split": split, "params": {"temperature": 0.5}}),
        "params is a list": _json({"dataframe_split": split, "params": [1]}),
    }


def _types(frame: pd.DataFrame) -> dict[str, Asked]:
    split = {"dataframe_split": _split(frame)}
    return {
        "charset utf-8": _json(split, "application/json; charset=utf-8"),
        "charset latin-1": _json(split, "application/json; charset=latin-1"),
        "another parameter": _json(split, "application/json; format=pandas-split"),
        "text/plain": _json(split, "text/plain"),
        "form": Asked("application/x-www-form-urlencoded", b"a=1&b=2"),
        "no content type": _json(split, None),
    }
