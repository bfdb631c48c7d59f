"""Stands in for inference_schema's parameter type for numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from .schema_types import AbstractParameterType

_UNITS = {
    "years": "Y",
    "months": "M",
    "weeks": "W",
    "days": "D",
    "hours": "h",
    "minutes": "m",
    "seconds": "s",
    "milliseconds": "ms",
    "microseconds": "us",
    "nanoseconds": "ns",
}


class NumpyParameterType(AbstractParameterType):
    """Arrays of the sample's type, and of its shape but for the number of rows."""

    def __init__(self, sample_input: Any, enforce_column_type: bool = True, enforce_shape: bool = True) -> None:
        if not isinstance(sample_input, np.ndarray):
            raise TypeError("Invalid sample input provided, must provide a sample Numpy array.")
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape

    def deserialize_input(self, input_data: Any) -> Any:
        if isinstance(input_data, np.ndarray):
            return input_data
        if not isinstance(input_data, list):
            raise ValueError("Invalid input format: expected an array of items.")
        dtype = self.sample_input.dtype
        if self.enforce_column_type:
            array = np.array([_entry(each, dtype) for each in input_data], dtype=dtype)
        else:
            array = np.array(input_data)
        if self.enforce_shape:
            check_shape(array.shape, self.sample_input.shape, "array")
        return array


def check_shape(given: tuple[int, ...], wanted: tuple[int, ...], what: str) -> None:
    """The number of rows is free. Raises ValueError."""
    if len(given) != len(wanted):
        raise ValueError(
            f"Invalid input {what}: {len(wanted)} dimensions are expected; input has {len(given)} [shape {given}]"
        )
    for axis, (size, expected) in enumerate(zip(given[1:], wanted[1:]), 1):
        if size != expected:
            raise ValueError(
                f"Invalid input {what}: it has size {size} on dimension #{axis}, while expected value is {expected}"
            )


def _entry(value: Any, dtype: Any) -> Any:
    if dtype.names:
        by_name = isinstance(value, dict)
        return tuple(
            _entry(value[name if by_name else number], dtype[number]) for number, name in enumerate(dtype.names)
        )
    if dtype.kind == "M":
        return np.datetime64(value)
    if dtype.kind == "m" and isinstance(value, str):
        count, unit = value.split(None, 1)
        code: Any = _UNITS[unit.lower()]
        return np.timedelta64(int(count), code)
    return value
