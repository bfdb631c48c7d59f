"""Which changes of a signature callers may stumble over."""

from typing import Any

import pytest

from cli.publishing.signatures import breaking
from shared.models.signature import Signature

BEFORE: dict[str, Any] = {
    "columns": [
        {"name": "a", "type": "double"},
        {"name": "b", "type": "string", "required": False},
    ],
    "params": [{"name": "limit", "type": "double", "default": 0.5}],
    "outputs": [{"name": "y", "type": "double"}],
}


def told(**changes: Any) -> list[str]:
    return breaking(Signature.model_validate(BEFORE), Signature.model_validate({**BEFORE, **changes}))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"columns": [*BEFORE["columns"], {"name": "c", "type": "double", "required": False}]}, []),
        ({"columns": [*BEFORE["columns"], {"name": "c", "type": "long"}]}, ["the column c is new, and required"]),
        (
            {"columns": [{"name": "a", "type": "long"}, BEFORE["columns"][1]]},
            ["the column a is long now, it was double"],
        ),
        ({"columns": [BEFORE["columns"][0], {"name": "b", "type": "string"}]}, ["the column b is required now"]),
        ({"columns": BEFORE["columns"][:1]}, ["the column b is not there any more"]),
        ({"columns": [], "tensors": [{"dtype": "float32", "shape": [-1, 2]}]}, ["it takes tensors now"]),
        ({"params": []}, ["the param limit is not there any more"]),
        ({"params": [{"name": "limit", "type": "long", "default": 1}]}, ["the param limit is long now, it was double"]),
        ({"outputs": [{"name": "z", "type": "double"}]}, ["the output y is not there any more"]),
        ({"outputs": [{"name": "y", "type": "string"}]}, ["the output y is string now, it was double"]),
        ({"outputs": []}, []),
    ],
)
def test_what_callers_may_stumble_over_is_named(changes: dict[str, Any], expected: list[str]) -> None:
    assert told(**changes) == expected


def test_tensors_are_told_by_type_and_shape() -> None:
    before = Signature.model_validate({"tensors": [{"name": "x", "dtype": "float32", "shape": [-1, 3]}]})
    after = Signature.model_validate(
        {
            "tensors": [
                {"name": "x", "dtype": "float32", "shape": [-1, 4]},
                {"name": "w", "dtype": "float32", "shape": [-1]},
            ]
        }
    )
    assert breaking(before, after) == [
        "the tensor x is float32 [-1, 4] now, it was float32 [-1, 3]",
        "the tensor w is new",
    ]
    assert breaking(after, Signature()) == ["it takes columns now, and no tensors"]
