"""Stands in for inference_schema's parameter type for pandas data frames."""

from __future__ import annotations

import io
import json
from typing import Any

import pandas as pd

from .schema_numpy import check_shape
from .schema_types import AbstractParameterType

_ORIENTS = ("split", "records", "index", "columns", "values", "table")


class PandasParameterType(AbstractParameterType):
    """Data frames of the sample's columns and types; `orient` as in pandas."""

    def __init__(
        self,
        sample_input: Any,
        enforce_column_type: bool = True,
        enforce_shape: bool = True,
        apply_column_names: bool = False,
        orient: str = "records",
    ) -> None:
        if not isinstance(sample_input, pd.DataFrame):
            raise TypeError("Invalid sample input provided, must provide a sample Pandas Dataframe.")
        if orient not in _ORIENTS:
            raise ValueError(f"Invalid orient provided, must be one of {_ORIENTS}")
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape
        self.apply_column_names = apply_column_names
        self.orient = orient

    def deserialize_input(self, input_data: Any) -> Any:
        if isinstance(input_data, pd.DataFrame):
            return input_data
        if not isinstance(input_data, (list, dict)):
            raise TypeError(f"Error, unable to convert input of type {type(input_data)} into Pandas Dataframe")
        orient: Any = self.orient
        frame = pd.read_json(io.StringIO(json.dumps(input_data)), orient=orient, dtype=False)
        if self.apply_column_names:
            frame.columns = self.sample_input.columns.copy()
        if self.enforce_column_type:
            frame = _as_sample(frame, self.sample_input.dtypes.to_dict())
        if self.enforce_shape:
            check_shape(frame.shape, self.sample_input.shape, "data frame")
        return frame


def _as_sample(frame: Any, types: dict[Any, Any]) -> Any:
    wanted = {name: types.get(name, object) for name in frame.columns}
    for name, dtype in wanted.items():
        if str(dtype).startswith("timedelta"):
            frame[name] = pd.to_timedelta(frame[name])
    return frame.astype(wanted)
