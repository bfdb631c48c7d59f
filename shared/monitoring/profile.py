"""What a feature's values look like: how many of them fall into each of a few bins."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Self, TypeGuard

import numpy as np
from pydantic import Field, model_validator

from shared.documents import Document

type Value = str | bool | int | float | None
"""None, an empty text, and a number that is not finite or beyond those of 32 bits are missing."""

_DECILES: Final = np.linspace(0, 1, 11)
# As models take numbers: what is 0.1 in a table, and 0.1 of 32 bits in a request, is one value.
_NUMBER: Final = np.float32
_LARGEST: Final = float(np.finfo(_NUMBER).max)
# Numbers with no more different values than this are told apart one by one.
_FEW: Final = 10
_MOST_CATEGORIES: Final = 30
# A category that is rarer would say more of chance than of the feature: of many alike, those that a sample happens to
# have most are rarer in the next one.
_LEAST_SHARE: Final = 0.01
_LEAST_COUNT: Final = 15
MOST_CHARS: Final = 100
MOST_FEATURES: Final = 200

type Category = Annotated[str, Field(max_length=MOST_CHARS)]


class FeatureProfile(Document):
    """Numbers fall between `edges`, a value that equals one below it; all else into `categories`.

    `counts`: of values up to each edge and of those beyond the last one, or of each category and of all others; and
    last of missing values: `[edges + 2]` or `[categories + 2]`.
    """

    edges: tuple[float, ...] = Field(default=(), max_length=len(_DECILES))
    categories: tuple[Category, ...] = Field(default=(), max_length=_MOST_CATEGORIES)
    counts: tuple[Annotated[int, Field(ge=0, le=2**53)], ...] = Field(max_length=_MOST_CATEGORIES + 2)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.edges and self.categories:
            raise ValueError("a feature has edges or categories, and not both")
        if len(self.counts) != len(self.edges) + len(self.categories) + 2:
            raise ValueError("there is one count for each bin, one for all others and one for missing values")
        if any(not math.isfinite(edge) for edge in self.edges) or any(
            after <= before for before, after in zip(self.edges, self.edges[1:], strict=False)
        ):
            raise ValueError("edges are finite numbers in ascending order")
        return self


class Profile(Document):
    """Of a table: `rows` of it were looked at."""

    rows: int = Field(ge=1)
    features: dict[str, FeatureProfile] = Field(max_length=MOST_FEATURES)


def profile(columns: Mapping[str, Sequence[Value]]) -> Profile:
    """`columns`: name to values, `[rows]` each, at least one row; of very many columns the first ones."""
    first = dict(list(columns.items())[:MOST_FEATURES])
    rows = max(map(len, first.values()), default=0)
    return Profile(rows=max(rows, 1), features={name: feature_profile(values) for name, values in first.items()})


def feature_profile(values: Sequence[Value]) -> FeatureProfile:
    """Deciles for numbers, so that each bin weighs the same; categories for texts, truth values and few numbers."""
    if edges := _edges(values):
        return FeatureProfile(edges=edges, counts=_between(edges, values))
    categories = _categories(values)
    return FeatureProfile(categories=categories, counts=_among(categories, values))


def counts(like: FeatureProfile, values: Sequence[Value]) -> tuple[int, ...]:
    """How the values fall into the bins of another profile; what is no number there is missing among numbers."""
    return _between(like.edges, values) if like.edges else _among(like.categories, values)


def _between(edges: Sequence[float], values: Sequence[Value]) -> tuple[int, ...]:
    found = _floats(values)
    bins = np.searchsorted(np.array(edges), found, side="left")
    told = np.bincount(bins, minlength=len(edges) + 1)
    return (*told.tolist(), len(values) - len(found))


def _among(categories: Sequence[str], values: Sequence[Value]) -> tuple[int, ...]:
    found = Counter(_category(value) for value in values)
    missing = found.pop("", 0)
    known = [found.pop(each, 0) for each in categories]
    return (*known, found.total(), missing)


def _edges(values: Sequence[Value]) -> tuple[float, ...]:
    """Empty where the values are no numbers, or few different ones."""
    if any(isinstance(value, (str, bool)) for value in values):
        return ()
    numbers = _floats(values)
    if len(np.unique(numbers)) <= _FEW:
        return ()
    least, *deciles = np.quantile(numbers, _DECILES)
    # The least value itself belongs above the first edge, what is below it was never seen; where it is so frequent
    # that it is a decile, too, it has a bin of its own.
    return tuple(np.unique([np.nextafter(least, -np.inf), *deciles]).tolist())


def _categories(values: Sequence[Value]) -> tuple[str, ...]:
    found = Counter(_category(value) for value in values)
    found.pop("", None)
    least = max(_LEAST_COUNT, _LEAST_SHARE * len(values))
    common = sorted(found.items(), key=lambda each: (-each[1], each[0]))[:_MOST_CATEGORIES]
    return tuple(name for name, count in common if count >= least)


def _category(value: Value) -> str:
    """Empty for a missing value. A number is the same whether it comes as 1 or as 1.0, as 0.0 or as -0.0."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if _is_number(value):
        return str(_NUMBER(value) + 0)
    return value[:MOST_CHARS] if isinstance(value, str) else ""


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _floats(values: Sequence[Value]) -> Any:
    found = [value for value in values if _is_number(value)]
    return np.array(found, np.float64).astype(_NUMBER).astype(np.float64)
