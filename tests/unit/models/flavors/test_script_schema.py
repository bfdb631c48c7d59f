"""inference-schema's decorators, where that package is not installed: members of a JSON object as arguments."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.models.flavors.script import SandboxedScript
from tests.unit.models.flavors.scripts import answer, ask, message, post, running

SCHEMA = """
    import datetime
    import numpy as np
    import pandas as pd
    from inference_schema.schema_decorators import input_schema, output_schema
    from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType

    class Doubled(AbstractParameterType):
        def __init__(self):
            super().__init__(0j)
        def deserialize_input(self, input_data):
            return input_data * 2
        def input_to_swagger(self):
            return {"type": "integer", "example": 1}

    FRAME = pd.DataFrame({"a": [1], "b": ["x"], "c": pd.to_datetime(["2020-01-01"])})
    NESTED = StandardPythonParameterType({"x": NumpyParameterType(np.array([1.0])), "y": Doubled()})
    LISTED = StandardPythonParameterType([NumpyParameterType(np.array([1]))])
    RECORD = np.array([(1, 2.5)], dtype=[("n", "i4"), ("f", "f8")])
    TIMES = np.array(["2020-01-01"], dtype="datetime64[D]")
    SPANS = np.array([1], dtype="timedelta64[h]")

    def init(): pass

    @input_schema("grid", NumpyParameterType(np.array([[1.0, 2.0]])), optional=True)
    @input_schema("free", NumpyParameterType(np.array([1]), False, False), optional=True)
    @input_schema("record", NumpyParameterType(RECORD), optional=True)
    @input_schema("times", NumpyParameterType(TIMES), optional=True)
    @input_schema("spans", NumpyParameterType(SPANS), optional=True)
    @input_schema("frame", PandasParameterType(FRAME), optional=True)
    @input_schema("columns", PandasParameterType(FRAME[["a"]], orient="split", enforce_shape=False), optional=True)
    @input_schema("number", StandardPythonParameterType(1.5), optional=True)
    @input_schema("day", StandardPythonParameterType(datetime.datetime(2020, 1, 1)), optional=True)
    @input_schema("blob", StandardPythonParameterType(b"x"), optional=True)
    @input_schema("nested", NESTED, optional=True)
    @input_schema("listed", LISTED, optional=True)
    @input_schema("own", Doubled(), optional=True)
    @output_schema(StandardPythonParameterType({"a": "b"}))
    def run(what, grid=None, free=None, record=None, times=None, spans=None, frame=None, columns=None, number=None,
            day=None, blob=None, nested=None, listed=None, own=None):
        value = locals()[what]
        if isinstance(value, np.ndarray):
            return [str(value.dtype), str(value.tolist())]
        if isinstance(value, pd.DataFrame):
            return [{name: str(dtype) for name, dtype in value.dtypes.items()}, value.astype(str).values.tolist()]
        return [type(value).__name__, str(value)]
"""
FAILED = (500, "An unexpected error occurred in scoring script. Check the logs for more info.")


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxedScript]:
    with running(tmp_path_factory.mktemp("schema"), SCHEMA) as script:
        yield script


@pytest.mark.parametrize(
    ("name", "sent", "got"),
    [
        ("grid", [[1, 2], [3, 4]], ["float64", "[[1.0, 2.0], [3.0, 4.0]]"]),
        ("free", [[1.5]], ["float64", "[[1.5]]"]),
        ("record", [[1, 2], {"n": 3, "f": 4}], ["[('n', '<i4'), ('f', '<f8')]", "[(1, 2.0), (3, 4.0)]"]),
        ("times", ["2024-02-29"], ["datetime64[D]", "[datetime.date(2024, 2, 29)]"]),
        ("spans", ["2 days"], ["timedelta64[h]", "[datetime.timedelta(days=2)]"]),
        ("number", 2, ["int", "2"]),
        ("number", 2.5, ["float", "2.5"]),
        ("day", "2024-02-29T01:02:03Z", ["datetime", "2024-02-29 01:02:03+00:00"]),
        ("blob", "eHl6", ["bytes", "b'xyz'"]),
        ("nested", {"x": [2], "y": 3, "z": 4}, ["dict", "{'x': array([2.]), 'y': 6, 'z': 4}"]),
        ("listed", [[1], [2, 3]], ["list", "[array([1]), array([2, 3])]"]),
        ("own", 4, ["int", "8"]),
        ("what", "what", ["str", "what"]),
    ],
)
def test_a_member_becomes_what_its_parameter_says(schema: SandboxedScript, name: str, sent: Any, got: Any) -> None:
    assert answer(schema, {"what": name, name: sent}) == got


def test_a_data_frame_has_the_types_of_its_sample(schema: SandboxedScript) -> None:
    rows = [{"a": 1.0, "b": "y", "c": "2024-02-29"}, {"a": 2, "b": "z", "c": "2024-03-01T00:00:00"}]
    types, values = answer(schema, {"what": "frame", "frame": rows})
    assert types["a"] == "int64"
    assert types["b"] in ("object", "str")
    assert types["c"].startswith("datetime64")
    assert [row[:2] for row in values] == [["1", "y"], ["2", "z"]]


def test_a_data_frame_is_read_in_the_orientation_that_was_said(schema: SandboxedScript) -> None:
    frame = {"columns": ["a"], "index": [0], "data": [[7]]}
    assert answer(schema, {"what": "columns", "columns": frame}) == [{"a": "int64"}, [["7"]]]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("grid", [1, 2]),
        ("grid", [[1, 2, 3]]),
        ("grid", [["x", "y"]]),
        ("grid", "text"),
        ("frame", [{"a": 1}]),
        ("frame", "text"),
        ("number", "2"),
        ("nested", [1]),
        ("listed", {"a": 1}),
    ],
)
def test_what_does_not_fit_fails_in_the_script(schema: SandboxedScript, name: str, sent: Any) -> None:
    reply = post(schema, {"what": name, name: sent})
    assert message(reply) == FAILED
    assert reply.headers["x-ms-run-function-failed"] == "True"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "POST body is empty. Expecting a JSON dictionary."),
        (b"[1]", "POST body should be a JSON dictionary."),
        (b'"a"', "POST body should be a JSON dictionary."),
        (b"{}", "A value is not provided for the 'what' parameter."),
        (b"{", "POST body could not be decoded as JSON: "),
        (b"\xff", "POST body could not be decoded as JSON: "),
        (b"[" * 100_000, "POST body could not be decoded as JSON: "),
    ],
)
def test_a_body_that_holds_no_arguments_is_refused(schema: SandboxedScript, body: bytes, told: str) -> None:
    reply = post(schema, body)
    status, text = message(reply)
    assert (status, text[: len(told)]) == (400, told)
    assert reply.headers["x-ms-run-function-failed"] == "False"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonl"])
def test_another_content_type_is_refused(schema: SandboxedScript, kind: str) -> None:
    assert message(post(schema, b'{"what": "what"}', {"content-type": kind})) == (
        415,
        "Expects Content-Type to be application/json",
    )


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/ld+json"])
def test_json_by_a_longer_name_is_taken(schema: SandboxedScript, kind: str) -> None:
    assert post(schema, b'{"what": "what"}', {"content-type": kind}).status == 200


def test_arguments_may_come_in_the_query(schema: SandboxedScript) -> None:
    assert ask(schema, "GET", "what=number&number=2.5").body == b'["float", "2.5"]'
    assert message(ask(schema, "GET", "number=2.5")) == (400, "A value is not provided for the 'what' parameter.")


def test_a_required_parameter_is_converted_in_the_order_of_the_decorators(tmp_path: Path) -> None:
    source = """
        from inference_schema.schema_decorators import input_schema
        from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as Of
        def init():
            run([1], Inputs=[2])
        @input_schema("Inputs", Of([1]))
        @input_schema("GlobalParameters", Of(1.0), convert_to_provided_type=False)
        def run(GlobalParameters, Inputs):
            return [GlobalParameters, Inputs]
    """
    with running(tmp_path, source) as script:
        assert answer(script, {"Inputs": [3], "GlobalParameters": "x"}) == ["x", [3]]
