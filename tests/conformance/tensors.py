"""The samples as numpy arrays, and what an answer is held to."""

from typing import Any

import numpy as np
import numpy.testing

from tests.conformance.handover import Sample

# Input of `many-types` to its datatype in the Open Inference Protocol and in numpy.
DATATYPES: dict[str, tuple[str, Any]] = {
    "text": ("BYTES", np.object_),
    "whole": ("INT64", np.int64),
    "short": ("INT32", np.int32),
    "precise": ("FP64", np.float64),
    "single": ("FP32", np.float32),
    "half": ("FP16", np.float16),
    "flag": ("BOOL", np.bool_),
}


def columns(sample: Sample) -> dict[str, list[Any]]:
    return {name: [row[at] for row in sample.data] for at, name in enumerate(sample.columns)}


def many_types(sample: Sample) -> dict[str, Any]:
    """Input to array."""
    return {name: np.array(values, DATATYPES[name][1]) for name, values in columns(sample).items()}


def check(sample: Sample, output: str, got: Any) -> None:
    """Whole numbers, texts and truths to the last digit; floats as far as their type goes."""
    expected = sample.outputs[output]
    if got.dtype.kind in "OSU":
        texts = [value.decode() if isinstance(value, bytes) else value for value in got.ravel().tolist()]
        assert expected == texts
    elif got.dtype.kind in "biu":
        assert expected == got.tolist()
    else:
        numpy.testing.assert_allclose(got, np.array(expected), rtol=1e-6)
