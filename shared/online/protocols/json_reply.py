"""How arrays leave as JSON: always valid JSON, and every number to its last digit."""

from typing import Any, Final

import numpy as np
import orjson

from shared.errors import ScoringFailed
from shared.models.json_values import listed, special
from shared.models.scoring import Predictions
from shared.models.signature import Array

# Fewer values are written faster as a list than as an array.
_ARRAY_PAYS: Final = 64
_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY


def dumps(document: object) -> bytes:
    """NaN and Infinity become null, bytes base64, times ISO 8601. Raises ScoringFailed for what JSON cannot hold."""
    try:
        return orjson.dumps(document, special, _OPTIONS)
    except TypeError:
        pass
    try:  # keys that are not texts cost all others time
        return orjson.dumps(document, special, _OPTIONS | orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        raise ScoringFailed(f"what the model returned cannot be written as JSON: {error}") from None


def writable(array: Array) -> Any:
    """A list or an array that `dumps` takes, nested as the array is.

    Numbers of 32 bits are written with all digits of their value, as Azure ML and MLflow write them, so that comparing
    one with a threshold comes out as it does in the model.
    """
    kind = array.dtype.kind
    if array.size < _ARRAY_PAYS or kind not in "biuf":
        return listed(array)
    return np.ascontiguousarray(array, np.float64 if kind == "f" else None)


def records(predictions: Predictions) -> list[dict[str, Any]]:
    """One object a row, with a member an output."""
    names = list(predictions.outputs)
    columns = [listed(array) for array in predictions.outputs.values()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
