"""score.py in batch jobs: rows of a table as one request, and which answers count as predictions."""

import base64
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import ModelNotReady, SchemaMismatch, ScoringFailed, ScoringTimeout, SlipwayError
from shared.models.flavor import Abort, FilesAnswer, RawCall, RawReply, Script
from shared.models.loaded import LoadedScript
from shared.models.loader import ModelId
from shared.models.package import CodeConfiguration, ModelPackage, ModelRef, PackagedFile, PackagedModel
from shared.models.scripts import run_files, run_rows
from shared.models.served import ServedModel
from shared.models.signature import Inputs, Signature
from tests.support.loading import FunctionModel, loaded_as, make_loader, served_as
from tests.unit.models.flavors.scripts import HANG, LINES, Log, logged, running
from tests.unit.models.graphs import columns

ROWS = Inputs({"x": np.array([1.0, 2.0]), "carrier": np.array(["AA", None], object)}, {})
SCORE = """
    import json
    def init(): pass
    def run(raw_data):
        if isinstance(raw_data, list):
            return raw_data
        given = json.loads(raw_data)["input_data"]
        assert given["index"] == list(range(len(given["data"])))
        rows = [dict(zip(given["columns"], row)) for row in given["data"]]
        return {"predictions": [row["x"] * 2 for row in rows], "model": "doubling"}
"""


class Saying:
    """Answers the same to every request, and keeps the last one."""

    size_bytes = lanes = 1

    def __init__(self, body: bytes, status: int = 200) -> None:
        self._reply = RawReply(status, {}, body)
        self.asked = RawCall("", "", {}, b"")

    def run(self, call: RawCall, abort: Abort | None) -> RawReply:
        self.asked = call
        return self._reply

    def run_files(self, paths: Sequence[Path], abort: Abort | None) -> FilesAnswer:
        raise AssertionError("called")

    def close(self) -> None: ...


def served(script: Script) -> ServedModel:
    """A package whose score.py is this one, and is loaded already."""
    ref = ModelRef("mine", "1", "sha256:" + "0" * 64)
    file = PackagedFile(path="code/score.py", size_bytes=0, sha256="0" * 64)
    code = CodeConfiguration(code="code", scoring_script="score.py", model="code")
    only = PackagedModel(flavor="script")
    package = ModelPackage(
        name="mine", version="1", signature=Signature(), model=only, code_configuration=code, files=(file,)
    )
    loader = make_loader(MemoryBlobs())
    loader._keep(ModelId(ref), LoadedScript(ref, script, on_close=lambda: None))
    return ServedModel(ModelId(ref), package, loader)


@pytest.fixture
def log() -> Iterator[Log]:
    with logged() as handler:
        yield handler


def outputs(answer: object, inputs: Inputs = ROWS) -> dict[str, list[Any]]:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    predictions = run_rows(served(Saying(body)), inputs)
    assert predictions.rows == 2
    return {name: array.tolist() for name, array in predictions.outputs.items()}


def refused(answer: object, status: int = 200) -> str:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    with pytest.raises(ScoringFailed) as caught:
        run_rows(served(Saying(body, status)), ROWS)
    return caught.value.message


def sent(inputs: Inputs) -> Any:
    script = Saying(b"[" + b",".join([b"0"] * len(next(iter(inputs.features.values())))) + b"]")
    run_rows(served(script), inputs)
    assert (script.asked.method, script.asked.query) == ("POST", "")
    assert script.asked.headers == {"content-type": "application/json"}
    return json.loads(script.asked.body)


def test_rows_go_through_a_real_score_py_and_come_back_in_their_order(tmp_path: Path) -> None:
    with running(tmp_path / "package", SCORE) as script:
        model = served(script)
        predictions = run_rows(model, ROWS, Abort())
        assert (predictions.rows, predictions.outputs["prediction"].tolist()) == (2, [2.0, 4.0])
        answered = run_files(model, [tmp_path / "a"], Abort())
        assert answered.outputs["prediction"].tolist() == [str(tmp_path / "a")]
        shutil.rmtree(answered.folder)


def test_rows_are_sent_as_azure_ml_sends_a_table() -> None:
    assert sent(ROWS) == {
        "input_data": {"columns": ["x", "carrier"], "index": [0, 1], "data": [[1.0, "AA"], [2.0, None]]}
    }


def test_params_are_sent_beside_the_rows() -> None:
    assert sent(ROWS._replace(params={"threshold": 0.5}))["params"] == {"threshold": 0.5}


@pytest.mark.parametrize(
    ("array", "data"),
    [
        (np.array([np.nan, np.inf]), [None, None]),
        (np.array([2**53 + 1, -1]), [2**53 + 1, -1]),
        (np.array([True, False]), [True, False]),
        (np.array([0.1, 0.2], np.float32), [float(np.float32(0.1)), float(np.float32(0.2))]),
        (np.array([0.5, 1.5], np.longdouble), [0.5, 1.5]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (
            np.array(["2026-01-02T03:04:05.5", "NaT"], "datetime64[ns]"),
            ["2026-01-02T03:04:05.500000000", None],
        ),
        (np.array([b"\xff", None], object), [base64.b64encode(b"\xff").decode(), None]),
        (np.array([{"a": np.float64(1.5)}, np.arange(2)], object), [{"a": 1.5}, [0, 1]]),
        (np.array([Decimal("0.10"), memoryview(b"a")], object), ["0.10", "YQ=="]),
    ],
)
def test_every_value_is_sent_as_json_has_it(array: Any, data: list[Any]) -> None:
    assert [row[0] for row in sent(Inputs({"v": array}, {}))["input_data"]["data"]] == data


def test_a_value_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(SchemaMismatch, match="the rows cannot be written as JSON"):
        sent(Inputs({"v": np.array([1j, 2j])}, {}))


def test_no_rows_are_answered_without_the_script() -> None:
    assert run_rows(served(Saying(b"nonsense")), Inputs({"x": np.zeros(0)}, {})).rows == 0


@pytest.mark.parametrize(
    ("answer", "columns"),
    [
        ([1, 2], {"prediction": [1, 2]}),
        (["a", None], {"prediction": ["a", None]}),
        ([[0.1, 0.9], [0.5, 0.5]], {"prediction": [[0.1, 0.9], [0.5, 0.5]]}),
        ([{"y": 1, "z": "a"}, {"y": 2}], {"y": [1, 2], "z": ["a", None]}),
        ("[1, 2]", {"prediction": [1, 2]}),
        ('{"result": [1, 2]}', {"prediction": [1, 2]}),
        ({"predictions": [{"y": 1}, {"y": 2}]}, {"y": [1, 2]}),
        ({"scores": [1, 2], "took_ms": 3}, {"prediction": [1, 2]}),
        ({"result": [1, 2], "classes": ["no", "yes"]}, {"prediction": [1, 2]}),
        ({"label": ["a", "b"], "score": [0.5, 1]}, {"label": ["a", "b"], "score": [0.5, 1.0]}),
    ],
)
def test_an_answer_with_an_entry_a_row_becomes_columns(answer: object, columns: dict[str, Any]) -> None:
    assert outputs(answer) == columns


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([1], "the score.py answered 1 entries to 2 rows"),
        ([], "the score.py answered 0 entries to 2 rows"),
        ({"predictions": [1, 2, 3]}, "the score.py answered 3 entries to 2 rows"),
        ({"label": [1, 2], "score": [1]}, "the score.py answered 1 entries to 2 rows"),
        ({}, "the score.py answered no list to 2 rows"),
        ({"a": 1}, "the score.py answered no list to 2 rows"),
        (3, "the score.py answered a single value to 2 rows"),
        (None, "the score.py answered a single value to 2 rows"),
        (b"NaN", "the score.py answered what is no JSON"),
        ("no json", "the score.py answered what is no JSON"),
        (b"[" * 100_000, "the score.py answered what is no JSON"),
        (b"", "the score.py answered what is no JSON"),
    ],
)
def test_another_answer_says_what_is_expected(answer: object, reason: str) -> None:
    assert refused(answer) == f"{reason}: return a list with an entry a row, or an object that holds one"


def test_objects_among_other_values_are_refused() -> None:
    assert "objects and other values" in refused([{"a": 1}, 2])


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"message": "no such column"}, 500, "no such column"),
        ({"error": "busy"}, 503, "busy"),
        ({"error": {"code": 3}}, 400, "{'code': 3}"),
        ({"why": "so"}, 400, "{'why': 'so'}"),
        ("text", 404, "text"),
        (b"two\nlines of '/some/path'", 302, "two lines of '…'"),
        (b"\xff", 500, "\ufffd"),
        (b"", 500, "its log tells more"),
    ],
)
def test_a_status_of_failure_is_told_with_its_message(body: object, status: int, told: str) -> None:
    assert refused(body, status) == f"the score.py answered with status {status}: {told}"


def test_a_script_that_raises_fails_its_rows(tmp_path: Path) -> None:
    with running(tmp_path, LINES) as script, pytest.raises(ScoringFailed) as caught:
        run_rows(served(script), ROWS)
    assert caught.value.message == (
        "the score.py answered with status 500: "
        "An unexpected error occurred in scoring script. Check the logs for more info."
    )


@pytest.mark.parametrize("call", [lambda model: run_rows(model, ROWS), lambda model: run_files(model, [Path("a")])])
def test_a_model_is_no_script(call: Callable[[ServedModel], object]) -> None:
    model = served_as(loaded_as(FunctionModel(lambda features, params, abort: features), columns("x")))
    with pytest.raises(ModelNotReady, match=r"this deployment serves a model, and no score\.py"):
        call(model)


def test_rows_that_take_too_long_are_stopped(tmp_path: Path, log: Log) -> None:
    source = LINES.replace("exec(raw_data, names)", f"exec({HANG!r}, names)")
    abort, errors = Abort(), list[SlipwayError]()
    with running(tmp_path, source) as script:

        def calling() -> None:
            try:
                run_rows(served(script), ROWS, abort)
            except SlipwayError as error:
                errors.append(error)

        thread = threading.Thread(target=calling)
        thread.start()
        assert int(log.wait_for("hanging").split()[-1]) != os.getpid()
        abort.fire()
        thread.join()
    assert isinstance(errors[0], ScoringTimeout)
