"""What callers set beside the rows."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import SchemaMismatch
from shared.models.features import Converter
from shared.models.signature import Param, Signature, example


def convert(param: Param, given: Any) -> Any:
    return Converter(Signature(params=(param,))).params(given)


def refusal(param: Param, given: Any) -> str:
    with pytest.raises(SchemaMismatch) as caught:
        convert(param, given)
    return caught.value.message


@pytest.mark.parametrize(
    ("kind", "shape", "value", "expected"),
    [
        ("double", None, 1, 1.0),
        ("long", None, 1.0, 1),
        ("boolean", None, True, True),
        ("string", None, "x", "x"),
        ("datetime", None, "2020-02-29T10:00:00", "2020-02-29T10:00:00"),
        ("binary", None, "eA==", "eA=="),
        ("object", None, {"a": 1}, {"a": 1}),
        ("double", (-1,), [1, 2.5], [1.0, 2.5]),
        ("string", (-1,), [], []),
        ("string", None, None, None),
    ],
)
def test_values_of_the_type_are_taken_as_json_holds_them(kind: Any, shape: Any, value: Any, expected: Any) -> None:
    taken = convert(Param(name="p", type=kind, shape=shape), {"p": value, "unknown": object()})
    assert (taken, type(taken["p"])) == ({"p": expected}, type(expected))


@pytest.mark.parametrize(
    ("kind", "shape", "value", "reason"),
    [
        ("double", None, "1", "'1' is not a number"),
        ("double", None, True, "True is not a number"),
        ("double", None, math.inf, "the value is not a finite number"),
        ("float", None, 1e39, "1e+39 is too large for type float"),
        ("integer", None, 2**31, "2147483648 is not a whole number of type integer"),
        ("long", None, [1], "[1] is not a whole number"),
        ("datetime", None, "tomorrow", "'tomorrow' is not a date and time in ISO 8601 from the years 1678 to 2261"),
        ("double", (-1,), 1.5, "1.5 is not a list"),
        ("double", (-1,), [1, "x"], "'x' is not a number"),
        ("double", (-1,), [[1]], "[1] is not a number"),
        ("long", (-1,), [1, None], "a value of the list is missing"),
        ("boolean", (-1,), [None], "a value of the list is missing"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_the_param(kind: Any, shape: Any, value: Any, reason: str) -> None:
    assert refusal(Param(name="p", type=kind, shape=shape), {"p": value}) == f"param 'p': {reason}"


@pytest.mark.parametrize("given", [None, {}, {"other": 1}])
def test_what_is_not_given_has_its_default(given: Any) -> None:
    assert convert(Param(name="p", type="double", default=0.5), given) == {"p": 0.5}
    assert convert(Param(name="p", type="string", default=None), given) == {"p": None}
    assert convert(Param(name="p", type="long", default=[1, 2], shape=(-1,)), given) == {"p": [1, 2]}


def test_what_has_no_default_must_be_given() -> None:
    bare = Param(name="p", type="double")
    again = Param.model_validate_json(bare.model_dump_json())
    for param in (bare, again):
        assert refusal(param, {}) == "the param 'p' is missing, and has no default"
        assert convert(param, {"p": 1.5}) == {"p": 1.5}
        assert example(Signature(params=(param,))).params == {"p": 0.0}
    assert example(Signature(params=(Param(name="p", type="long", shape=(-1,)),))).params == {"p": [0]}


def test_a_default_that_does_not_fit_is_refused_with_the_document() -> None:
    with pytest.raises(ValidationError, match="the default of the param 'p' does not fit: 'x' is not a number"):
        Param(name="p", type="double", default="x")
    with pytest.raises(ValidationError):
        Param.model_validate({"name": "p", "type": "double", "default": [[1]], "shape": [2, 2]})


def test_a_model_without_params_is_given_none() -> None:
    assert Converter(Signature()).params({"p": 1}) == {}
