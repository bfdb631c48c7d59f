"""Stands in for `inference_schema.schema_decorators` and `schema_util`: the members of a JSON object as arguments.

Makes no swagger; the real package, where it is installed, is used instead.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .schema_types import AbstractParameterType

_MARK = "_slipway_described"

Run = Callable[..., Any]


def input_schema(
    param_name: str, param_type: AbstractParameterType, convert_to_provided_type: bool = True, optional: bool = False
) -> Callable[[Run], Run]:
    """`param_name` of the decorated function is given as `param_type` says."""
    _check(param_type)

    def decorate(run: Run) -> Run:
        signature = inspect.signature(run)
        if param_name not in signature.parameters:
            raise ValueError(f"Error, provided param_name '{param_name}' is not in the decorated function.")

        @functools.wraps(run)
        def converted(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind_partial(*args, **kwargs)
            absent = optional and not _truth(given.arguments.get(param_name))
            if convert_to_provided_type and not absent:
                given.arguments[param_name] = _converted(given.arguments[param_name], param_type)
            return run(*given.args, **given.kwargs)

        setattr(converted, _MARK, True)
        return converted

    return decorate


def output_schema(output_type: AbstractParameterType) -> Callable[[Run], Run]:
    """Says what is returned, and changes nothing of it."""
    _check(output_type)

    def decorate(run: Run) -> Run:
        @functools.wraps(run)
        def same(*args: Any, **kwargs: Any) -> Any:
            return run(*args, **kwargs)

        setattr(same, _MARK, True)
        return same

    return decorate


def is_schema_decorated(function: Run) -> bool:
    return hasattr(function, _MARK)


def _check(param_type: Any) -> None:
    if not isinstance(param_type, AbstractParameterType):
        raise TypeError("Error, provided param_type must be a subclass of the AbstractParameterType.")


def _truth(value: Any) -> bool:
    """Arrays and data frames count as given."""
    try:
        return bool(value)
    except ValueError:
        return True


def _converted(value: Any, kind: Any) -> Any:
    """Nested types are converted from the inside; a mapping or list is otherwise handed on as it came."""
    if kind.sample_data_type is dict:
        _must_be(value, kind, dict)
        inner = {
            name: _converted(value[name], each) for name, each in kind.sample_data_type_map.items() if name in value
        }
        return {**value, **inner}
    if kind.sample_data_type in (list, tuple):
        _must_be(value, kind, (list, tuple))
        inside = kind.sample_data_type_list
        return [_converted(each, inside[0]) for each in value] if inside else value
    return value if isinstance(value, kind.sample_data_type) else kind.deserialize_input(value)


def _must_be(value: Any, kind: Any, wanted: Any) -> None:
    if not isinstance(value, wanted):
        raise ValueError(f"Invalid input data type to parse. Expected: {kind.sample_data_type} but got {type(value)}")
