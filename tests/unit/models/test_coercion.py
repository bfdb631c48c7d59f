"""One table of types for all ways in: the same value meets the same verdict as JSON, CSV, Parquet or typed array."""

import io
import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import SchemaMismatch
from shared.models.bodies import strict_from_csv, strict_from_parquet
from shared.models.coercion import KINDS
from shared.models.features import Converter
from shared.models.signature import Column, Features, Signature
from tests.support.reading import rows_of

VALUES: Final[dict[str, Any]] = {
    "true": True,
    "1": 1,
    "1.0": 1.0,
    "1.5": 1.5,
    "2**53+1": 2**53 + 1,
    "2**63": 2**63,
    "2.0**53": 2.0**53,
    "2.0**54": 2.0**54,
    "1e300": 1e300,
    "x": "x",
    "empty": "",
    "day": "2020-02-29",
    "base64": "eA==",
    "null": None,
    "nan": math.nan,
    "inf": math.inf,
    "[]": [],
    "{}": {},
}
NUMBERS: Final = {"1", "1.0", "1.5", "2**53+1", "2**63", "2.0**53", "2.0**54"}
ACCEPTED: Final[dict[str, set[str]]] = {
    "boolean": {"true"},
    "integer": {"1", "1.0"},
    "long": {"1", "1.0", "2**53+1", "2.0**53"},
    "float": NUMBERS,
    "double": NUMBERS | {"1e300"},
    "string": {"x", "empty", "day", "base64"},
    "datetime": {"day"},
    "binary": {"empty", "base64"},
    "array": {"[]"},
    "object": {"{}"},
    "map": {"{}"},
    "any": set(VALUES) - {"null", "nan", "inf"},
}
# Typed whole numbers are not rounded: whoever sends 64 bits means all of them.
TYPED_REFUSED: Final = {(kind, value) for kind in ("float", "double") for value in ("2**53+1", "2**63")}
# In a CSV everything is text: a text column takes it all, and digits and words may be Base64. A number is written
# without a point where it is whole. An empty field is a missing value everywhere, "nan" among numbers only.
CSV: Final = {value: str(VALUES[value]).lower() for value in ("true", "1", "1.5", "2**53+1", "2**63", "nan", "inf")} | {
    "1e300": "1e300",
    "x": "x",
    "day": "2020-02-29",
    "base64": "eA==",
    "null": "",
}
CSV_TAKEN: Final = {("boolean", "1"), ("binary", "true"), ("binary", "2**53+1")} | {
    (kind, value) for kind in ("string", "any") for value in CSV if value != "null"
}
CSV_REFUSED: Final = {(kind, "nan") for kind in ("datetime", "binary", "array", "object", "map")}
PARQUET: Final = set(VALUES) - {"{}"}  # an object without members is no column of a Parquet file

EVERYTHING: Final = [
    pytest.param(kind, value, required, id=f"{kind}-{value}-{'required' if required else 'optional'}")
    for kind in KINDS
    for value in VALUES
    for required in (True, False)
    if required or KINDS[kind].optional
]


def converter(kind: Any, required: bool) -> Converter:
    return Converter(Signature(columns=(Column(name="c", type=kind, required=required),)))


def is_taken(convert: Callable[[], Features]) -> bool:
    try:
        features = convert()
    except SchemaMismatch as error:
        assert error.message.startswith("column 'c', row 0: ")  # noqa: PT017 - either outcome is right
        return False
    assert len(features["c"]) == 1
    return True


def is_accepted(kind: str, value: str, required: bool) -> bool:
    return value in ACCEPTED[kind] or (value in {"null", "nan"} and not required)


@pytest.mark.parametrize(("kind", "value", "required"), EVERYTHING)
def test_json_meets_one_verdict_in_every_form(kind: str, value: str, required: bool) -> None:
    of, given = converter(kind, required), VALUES[value]
    verdicts = [
        is_taken(lambda: of.table(["c"], [[given]])),
        is_taken(lambda: of.table(None, [[given]])),
        is_taken(lambda: of.records([{"c": given}])),
        is_taken(lambda: of.columns({"c": given if kind in {"array", "object"} else [given]})),
    ]
    assert verdicts == [is_accepted(kind, value, required)] * 4


@pytest.mark.parametrize(("kind", "value", "required"), EVERYTHING)
def test_a_typed_array_meets_the_verdict_of_json_but_for_numbers_that_would_be_rounded(
    kind: str, value: str, required: bool
) -> None:
    given = VALUES[value]
    array = np.fromiter([given], np.dtype(type(given) if isinstance(given, bool | float) else object), 1)
    if type(given) is int:
        array = np.array([given])
    expected = is_accepted(kind, value, required) and (kind, value) not in TYPED_REFUSED
    assert is_taken(lambda: converter(kind, required).arrays({"c": array})) == expected


@pytest.mark.parametrize(("kind", "value", "required"), [each for each in EVERYTHING if each.values[1] in PARQUET])
def test_a_parquet_file_meets_the_verdict_of_typed_arrays(kind: str, value: str, required: bool) -> None:
    given = np.array([2**63], np.uint64) if value == "2**63" else [VALUES[value]]
    sink = io.BytesIO()
    pq.write_table(pa.table({"c": pa.array(given)}), sink)
    expected = is_accepted(kind, value, required) and (kind, value) not in TYPED_REFUSED
    assert is_taken(lambda: strict_from_parquet(sink.getvalue(), converter(kind, required))) == expected


@pytest.mark.parametrize(("kind", "value", "required"), [each for each in EVERYTHING if each.values[1] in CSV])
def test_a_csv_meets_the_verdict_of_json_where_it_has_types(kind: str, value: str, required: bool) -> None:
    of, body = converter(kind, required), f"other,c\n,{CSV[value]}\n".encode()
    expected = (is_accepted(kind, value, required) and (kind, value) not in CSV_REFUSED) or (kind, value) in CSV_TAKEN
    assert is_taken(lambda: strict_from_csv(body, of)) == expected
    (found,) = rows_of(body, "a.csv", of.signature)
    assert (len(found.features["c"]), len(found.rejected)) == ((1, 0) if expected else (0, 1))
