"""What the tests of CSV and Parquet bodies share: a signature, and the two ways to look at what comes out."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import SlipwayError
from shared.models.signature import Column, Features, Signature

SIGNATURE = Signature(
    columns=(
        Column(name="x", type="double"),
        Column(name="n", type="long"),
        Column(name="d", type="datetime", required=False),
        Column(name="s", type="string", required=False),
        Column(name="l", type="array", required=False),
    )
)
LOOSE = Signature()


def refusal(error: type[SlipwayError], convert: Callable[[], Features]) -> str:
    with pytest.raises(error) as caught:
        convert()
    assert type(caught.value) is error
    return caught.value.message


def lists(features: Features) -> dict[str, Any]:
    """Times as days."""
    return {
        name: (array.astype("M8[D]") if array.dtype.kind == "M" else array).tolist() for name, array in features.items()
    }
