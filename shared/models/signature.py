"""An MLflow signature: what goes into a model and what comes out, as documents.

A column signature takes tables, a tensor signature takes nested lists; a model that was logged without one takes both.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from shared.documents import Document
from shared.models.coercion import KINDS, ColumnType, param_value, tensor_dtype

type Array = np.ndarray[Any, Any]
type Features = dict[str, Array]
"""Input name to array: `[rows]` for a column, `[rows, ...]` for a tensor."""
type Params = dict[str, Any]
"""What a caller may set beside the rows, by name."""


class Inputs(NamedTuple):
    """All that one call of a model is given."""

    features: Features
    params: Params


class Column(BaseModel):
    """One named column. An optional column may be left out, and its values may be missing."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str
    type: ColumnType
    required: bool = True
    # What an array, an object or a map holds, in MLflow's own words.
    items: Any = None
    properties: Any = None
    values: Any = None

    @property
    def dtype(self) -> Any:
        return KINDS[self.type].dtype

    @model_validator(mode="after")
    def _can_be_missing(self) -> Self:
        if not self.required and not KINDS[self.type].optional:
            raise ValueError(f"column '{self.name}' of type {self.type} cannot be optional: use double or string")
        return self

    @model_validator(mode="after")
    def _holds_known_types(self) -> Self:
        try:
            KINDS[self.type].take(_sample(self.model_dump()))
        except (KeyError, TypeError, AttributeError, ValueError):
            raise ValueError(f"what the column '{self.name}' of type {self.type} holds cannot be read") from None
        return self


class Tensor(BaseModel):
    """One tensor, `shape` with -1 for a dimension of any size."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str = ""
    dtype: str
    shape: tuple[int, ...] = Field(min_length=1)

    @field_validator("dtype")
    @classmethod
    def _known(cls, value: str) -> str:
        tensor_dtype(value)
        return value


class Param(BaseModel):
    """What a caller may set. `shape` None: one value; (-1,): a list."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str
    type: ColumnType
    default: Any = None
    shape: tuple[Literal[-1]] | None = None

    @property
    def has_default(self) -> bool:
        """None can be a default, too."""
        return "default" in self.model_fields_set

    @model_validator(mode="after")
    def _default_fits(self) -> Self:
        try:
            param_value(self.type, self.shape, self.default)
        except ValueError as error:
            raise ValueError(f"the default of the param '{self.name}' does not fit: {error}") from None
        return self

    @model_serializer(mode="wrap")
    def _without_default(self, write: SerializerFunctionWrapHandler) -> Any:
        return {name: value for name, value in write(self).items() if name != "default" or self.has_default}


class Output(BaseModel):
    """One output. `type`: an MLflow column type, or the name of a numpy type; -1 in `shape`: of any size."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str
    type: str
    shape: tuple[int, ...] = (-1,)


class Signature(Document):
    """What goes in and what comes out. At most one of `columns` and `tensors` is filled."""

    columns: tuple[Column, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    params: tuple[Param, ...] = ()
    outputs: tuple[Output, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.columns and self.tensors:
            raise ValueError("a signature has columns or tensors, and not both")
        names = [column.name for column in self.columns] + [tensor.name for tensor in self.tensors]
        if len(set(names)) != len(names):
            raise ValueError("two inputs of a signature have the same name")
        return self


def count_rows(features: Features) -> int:
    return len(next(iter(features.values()), ()))


def example(signature: Signature) -> Inputs:
    """One row that the signature takes: zeros and empty texts. For warming a model up."""
    params = {param.name: param.default if param.has_default else _param(param) for param in signature.params}
    features = {column.name: _column(column) for column in signature.columns} | {
        tensor.name: np.full(
            [1 if size == -1 else size for size in tensor.shape], "" if dtype.kind == "O" else 0, dtype
        )
        for tensor in signature.tensors
        for dtype in [tensor_dtype(tensor.dtype)]
    }
    return Inputs(features, params)


def _column(column: Column) -> Array:
    value = KINDS[column.type].take(_sample(column.model_dump()))
    return np.fromiter([value], column.dtype, 1)


def _param(param: Param) -> Any:
    sample = KINDS[param.type].sample
    return sample if param.shape is None else [sample]


def _sample(spec: Mapping[str, Any]) -> Any:
    """One value of a type as MLflow writes it down, with one of everything that it holds."""
    if items := spec.get("items"):
        return [_sample(items)]
    if properties := spec.get("properties"):
        return {name: _sample(each) for name, each in properties.items()}
    if values := spec.get("values"):
        return {"key": _sample(values)}
    return KINDS[spec["type"]].sample
