"""A model in memory: let go of once, when the last call has left, and never before."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import ModelNotReady, ScoringFailed
from shared.models.flavor import Abort, FilesAnswer, RawCall, RawReply
from shared.models.loaded import LoadedModel, LoadedScript
from shared.models.package import ModelRef
from shared.models.signature import Array, Features, Params, Signature
from tests.support.loading import FunctionModel, loaded_as
from tests.unit.models.graphs import columns

REF = ModelRef("tiny", "1", "sha256:" + "0" * 64)
CALL = RawCall("GET", "", {}, b"")
ROW: Features = {"x": np.ones(1)}
GONE = "model tiny/1 has just left the memory: try again"


class FunctionScript:
    size_bytes = 10
    lanes = 1

    def __init__(self, function: Callable[[], bytes]) -> None:
        self._function = function
        self.closed = 0

    def run(self, call: RawCall, abort: Abort | None) -> RawReply:
        return RawReply(200, {}, self._function())

    def run_files(self, paths: Sequence[Path], abort: Abort | None) -> FilesAnswer:
        return FilesAnswer(len(paths), {}, {}, Path(self._function().decode()))

    def close(self) -> None:
        self.closed += 1


def doubles(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
    return {"y": features["x"] * 2}


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ModelNotReady) as caught:
        call()
    return caught.value.message


def test_a_script_answers_until_it_is_closed_and_is_let_go_once() -> None:
    script, told = FunctionScript(lambda: b"ready"), []
    loaded = LoadedScript(REF, script, on_close=lambda: told.append("closed"))
    assert loaded.run(CALL, None) == RawReply(200, {}, b"ready")
    assert loaded.run_files([Path("a")], None) == FilesAnswer(1, {}, {}, Path("ready"))
    assert (loaded.is_gone, script.closed, told) == (False, 0, [])
    loaded.close()
    loaded.close()
    assert (loaded.is_gone, script.closed, told) == (True, 1, ["closed"])
    assert refusal(lambda: loaded.run(CALL, None)) == GONE
    assert refusal(lambda: loaded.run_files([], None)) == GONE


def test_a_script_that_fails_is_left_and_can_be_let_go() -> None:
    def fail() -> bytes:
        raise ScoringFailed("the model failed: no")

    script = FunctionScript(fail)
    loaded = LoadedScript(REF, script, on_close=lambda: None)
    with pytest.raises(ScoringFailed):
        loaded.run(CALL, None)
    loaded.close()
    assert script.closed == 1


def test_a_script_in_the_middle_of_a_call_is_let_go_when_the_call_has_ended() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def wait() -> bytes:
        entered.set()
        assert go_on.wait(30)
        return b"done"

    script, replies = FunctionScript(wait), []
    loaded = LoadedScript(REF, script, on_close=lambda: None)
    thread = threading.Thread(target=lambda: replies.append(loaded.run(CALL, None).body))
    thread.start()
    assert entered.wait(30)
    loaded.close()
    assert script.closed == 0
    go_on.set()
    thread.join()
    assert (replies, script.closed) == ([b"done"], 1)


def test_a_model_that_was_let_go_predicts_no_more() -> None:
    flavor = FunctionModel(doubles)
    loaded = loaded_as(flavor, columns("x"))
    assert loaded.predict(ROW, {})["y"].tolist() == [2.0]
    loaded.close()
    assert flavor.closed
    assert refusal(lambda: loaded.predict(ROW, {})) == GONE


def test_a_model_without_a_signature_is_not_called_to_warm_it_up() -> None:
    def never(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        raise AssertionError("called")

    loaded = loaded_as(FunctionModel(never), Signature(), 1.0)
    loaded.warm_up()
    assert loaded.cost_s(1) == 1.0


def test_a_slow_model_is_warmed_up_with_single_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, asked = [0.0], []

    def slow(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        asked.append(len(features["x"]))
        clock[0] += 2.0
        return doubles(features, params, abort)

    monkeypatch.setattr("shared.models.loaded.time.perf_counter", lambda: clock[0])
    loaded = loaded_as(FunctionModel(slow), columns("x"))
    loaded.warm_up()
    assert set(asked) == {1}
    assert loaded.cost_s(3) == pytest.approx(6.0)
    assert not loaded.gathers


def test_a_model_whose_rows_cost_nothing_more_gathers_them(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def same(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        clock[0] += 0.01
        return doubles(features, params, abort)

    monkeypatch.setattr("shared.models.loaded.time.perf_counter", lambda: clock[0])
    loaded: LoadedModel = loaded_as(FunctionModel(same), columns("x"))
    loaded.warm_up()
    assert loaded.cost_s(100) == pytest.approx(0.01)
    assert loaded.gathers
