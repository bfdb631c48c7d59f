"""An MLflow signature: what goes into a model and what comes out, as documents.

A column signature takes tables, a tensor signature takes nested lists; a model that was logged without one takes both.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shared.documents import Document
from shared.models.coercion import KINDS, ColumnType, tensor_dtype

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

    @property
    def dtype(self) -> Any:
        return KINDS[self.type].dtype

    @model_validator(mode="after")
    def _can_be_missing(self) -> Self:
        if not self.required and not KINDS[self.type].optional:
            raise ValueError(f"column '{self.name}' of type {self.type} cannot be optional: use double or string")
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
    shape: tuple[int, ...] | None = None


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
    params = {param.name: param.default for param in signature.params}
    if signature.columns:
        return Inputs({column.name: _sample(column) for column in signature.columns}, params)
    features = {
        tensor.name: np.full(
            [1 if size == -1 else size for size in tensor.shape], "" if dtype.kind == "O" else 0, dtype
        )
        for tensor in signature.tensors
        for dtype in [tensor_dtype(tensor.dtype)]
    }
    return Inputs(features, params)


def _sample(column: Column) -> Array:
    kind = KINDS[column.type]
    return np.fromiter([kind.take(kind.sample)], kind.dtype, 1)
