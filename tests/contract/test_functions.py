"""The golden file of the indexed functions: what the real host will see, under review.

`python -m tests.support.indexed > tests/contract/functions.json` writes it anew after a deliberate change.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.indexed import indexed

GOLDEN = Path(__file__).with_name("functions.json")


@pytest.fixture(scope="module")
def functions() -> dict[str, Any]:
    return indexed()


def test_indexed_functions_are_the_ones_under_review(functions: dict[str, Any]) -> None:
    assert functions == json.loads(GOLDEN.read_text())


def test_every_http_function_leaves_authentication_to_the_code(functions: dict[str, Any]) -> None:
    triggers = [binding for bindings in functions.values() for binding in bindings if binding["kind"] == "httpTrigger"]
    assert {trigger["settings"]["authLevel"] for trigger in triggers} == {"ANONYMOUS"}


def test_blob_trigger_binds_a_reference_and_never_the_content(functions: dict[str, Any]) -> None:
    trigger = next(binding for binding in functions["drop"] if binding["kind"] == "blobTrigger")
    assert trigger["deferred"] is True
