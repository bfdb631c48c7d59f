"""Stands in for inference_schema's abstract parameter type, and the one for plain Python values."""

from __future__ import annotations

import base64
import datetime
from typing import Any


class AbstractParameterType:
    """What is given for one parameter, by a sample of it. Scripts derive their own kinds from it."""

    def __init__(self, sample_input: Any) -> None:
        self.sample_input = sample_input
        self.sample_data_type = type(sample_input)
        self.sample_data_type_map: dict[Any, AbstractParameterType] = {}
        self.sample_data_type_list: list[AbstractParameterType] = []

    def deserialize_input(self, input_data: Any) -> Any:
        raise NotImplementedError

    def input_to_swagger(self) -> dict[str, Any]:
        return {"type": "object", "example": {}}


class StandardPythonParameterType(AbstractParameterType):
    """A sample of Python's own types; lists and mappings may hold further parameter types."""

    def __init__(self, sample_input: Any) -> None:
        super().__init__(sample_input)
        if isinstance(sample_input, dict):
            self.sample_data_type_map = {
                name: value for name, value in sample_input.items() if isinstance(value, AbstractParameterType)
            }
        elif isinstance(sample_input, (list, tuple)):
            self.sample_data_type_list = [value for value in sample_input if isinstance(value, AbstractParameterType)]

    def deserialize_input(self, input_data: Any) -> Any:
        """Dates and times from ISO texts, bytes from base64. Raises ValueError for another type than the sample's."""
        kind = self.sample_data_type
        if isinstance(input_data, str):
            input_data = _from_text(kind, input_data)
        if (kind is float and type(input_data) is int) or isinstance(input_data, kind):
            return input_data
        raise ValueError(f"Invalid input data type to parse. Expected: {kind} but got {type(input_data)}")


def _from_text(kind: Any, text: str) -> Any:
    if kind in (bytes, bytearray):
        return kind(base64.b64decode(text))
    if kind in (datetime.date, datetime.datetime, datetime.time):
        # Before Python 3.11 it does not know the Z.
        return kind.fromisoformat(text.replace("Z", "+00:00"))
    return text
