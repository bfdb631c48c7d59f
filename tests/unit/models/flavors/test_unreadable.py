"""A model's process that answers what nobody can read: the model's failure, and nothing worse."""

from typing import Any

import numpy as np
import pytest

from shared.errors import ScoringFailed
from shared.models.flavor import Abort, RawCall
from shared.models.flavors.pyfunc import UNREADABLE, SandboxedPyfunc
from shared.models.flavors.sandboxed import Sandbox
from shared.models.flavors.script import SandboxedScript
from shared.models.flavors.worker_process import Header, Parts


class Babbling(Sandbox):
    """Answers the same whatever it is asked, without any process."""

    lanes = 1
    size_bytes = 0

    def __init__(self, header: Any, parts: list[memoryview]) -> None:
        self._answer = (header, parts)

    def call(self, header: Header, parts: Parts, abort: Abort) -> tuple[dict[str, Any], list[memoryview]]:
        return self._answer


@pytest.mark.parametrize("header", [{}, {"arrays": None}, {"arrays": [{}]}, {"arrays": [1]}])
def test_predictions_that_cannot_be_read_are_the_models_failure(header: Any) -> None:
    model = SandboxedPyfunc(Babbling(header, []), ())
    with pytest.raises(ScoringFailed) as caught:
        model.predict({"x": np.ones(1)}, {}, None)
    assert caught.value.message == UNREADABLE


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ({}, [b""]),
        ({"headers": {}, "status": 200}, []),
        ({"headers": {}, "status": "two hundred"}, [b""]),
        ({"headers": {}, "status": None}, [b""]),
        ({"headers": ["a"], "status": 200}, [b""]),
    ],
)
def test_a_reply_that_cannot_be_read_is_the_scripts_failure(header: Any, parts: list[bytes]) -> None:
    script = SandboxedScript(Babbling(header, [memoryview(part) for part in parts]))
    with pytest.raises(ScoringFailed) as caught:
        script.run(RawCall("GET", "", {}, b""), None)
    assert caught.value.message == UNREADABLE


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ({}, []),
        ({"items": "O"}, []),
        ({"items": "O"}, [b"{"]),
        ({"items": "o"}, [b'[["x", 1]]']),
        ({"items": "O"}, [b"[" * 100_000]),
        ({"items": "O"}, [b"{}"]),
        ({"items": "O"}, [b"3"]),
        ({"rows": 1}, []),
        ({"rows": "one", "arrays": []}, []),
        ({"rows": 1, "arrays": [{}]}, [b"[]"]),
        ({"rows": 2, "arrays": [[[0], ["y"], "O", [1]]]}, [b"[1]"]),
        ({"rows": 1, "arrays": [[[0], ["y"], "O", []]]}, [b"[1]"]),
    ],
)
def test_an_answer_to_files_that_cannot_be_read_is_the_scripts_failure(header: Any, parts: list[bytes]) -> None:
    script = SandboxedScript(Babbling(header, [memoryview(part) for part in parts]))
    with pytest.raises(ScoringFailed) as caught:
        script.run_files([], None)
    assert caught.value.message == UNREADABLE
