"""Any MLflow model, through MLflow's own pyfunc interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

from .arrays import Array, Arrays, Spec, pack, unpack
from .predictions import arrays_of
from .serving import Frame, tell
from .tagging import untagged

# What MLflow says when inputs do not fit the signature that it enforces.
_REFUSALS = frozenset({"BAD_REQUEST", "INVALID_PARAMETER_VALUE"})


class Pyfunc:
    """`header`: `folder`, `kind` (columns, tensors, or empty), `outputs` (the names), `params` (whether it takes any),
    `example` (the arrays of one call that warms it up, or None) with `example_params`.
    """

    def __init__(self, header: dict[str, Any], parts: Sequence[memoryview]) -> None:
        self._model = mlflow.pyfunc.load_model(header["folder"])
        self._kind: str = header["kind"]
        self._names: list[str] = header["outputs"]
        self._takes_params: bool = header["params"]
        self.ready: dict[str, Any] = {"outputs": None}
        if header["example"] is not None:
            self._warm_up(header["example"], parts, header["example_params"])

    def _warm_up(self, specs: Sequence[Spec], parts: Sequence[memoryview], params: Any) -> None:
        """A model may well refuse zeros and empty texts; that makes it no worse a model."""
        try:
            outputs = self._predict(unpack(specs, parts), untagged(params))
        except Exception as error:
            self.ready["refused"] = tell(error)["text"]
        else:
            self.ready["outputs"] = [[name, array.dtype.name, list(array.shape)] for name, array in outputs.items()]

    def answer(self, header: dict[str, Any], parts: Sequence[memoryview]) -> Frame:
        try:
            specs, arrays = pack(self._predict(unpack(header["arrays"], parts), untagged(header["params"])))
        except MlflowException as error:
            return {"error": tell(error, "schema" if error.error_code in _REFUSALS else "failed")}, ()
        except Exception as error:
            return {"error": tell(error)}, ()
        return {"arrays": specs}, arrays

    def _predict(self, features: Arrays, params: dict[str, Any]) -> Arrays:
        rows = len(next(iter(features.values()), ()))
        given = {"params": params} if self._takes_params else {}
        return arrays_of(self._model.predict(as_input(features, self._kind), **given), self._names, rows)


def as_input(features: Mapping[str, Array], kind: str) -> Any:
    """A data frame for columns, an array or a dict of arrays for tensors; without a signature, whichever fits."""
    unnamed = features.get("") if len(features) == 1 else None
    if unnamed is not None:
        return unnamed
    if kind == "tensors" or any(array.ndim != 1 for array in features.values()):
        return dict(features)
    return _frame(features)


def _frame(features: Mapping[str, Array]) -> pd.DataFrame:
    """Objects stay objects: pandas 3 would make `str` of texts, which MLflow's models of earlier days do not know."""
    dtypes = {array.dtype for array in features.values()}
    if len(dtypes) == 1:  # many times faster than a frame of columns
        return pd.DataFrame(np.column_stack(list(features.values())), columns=list(features), dtype=dtypes.pop())
    index = pd.RangeIndex(len(next(iter(features.values()), ())))
    columns = {
        name: pd.Series(array, index=index, dtype=object, copy=False) if array.dtype.kind == "O" else array
        for name, array in features.items()
    }
    return pd.DataFrame(columns, index=index, copy=False)
