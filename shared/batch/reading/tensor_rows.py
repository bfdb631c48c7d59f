"""Columns of an Arrow table, also of lists in lists, to the tensors of a model."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from shared.batch.reading import columns
from shared.batch.reading.inference import can_be_missing
from shared.errors import SchemaMismatch
from shared.models import typed
from shared.models.arrow import numpy_of
from shared.models.features import Converter
from shared.models.signature import Array, Features, Tensor


def tensors(table: pa.Table, converter: Converter, names: Sequence[str]) -> Callable[[Sequence[int]], Features]:
    """Takes rows by their position; raises SchemaMismatch. `names`: of all columns of the file.

    A column a tensor; or all columns make the one tensor that the model takes.
    """
    wanted = converter.signature.tensors
    stacked = columns.stacks(converter.signature, names)
    picked = {name: table[name].combine_chunks() for name in (names if stacked else [tensor.name for tensor in wanted])}

    def convert(rows: Sequence[int]) -> Features:
        at = pa.array(rows, pa.int64())
        arrays = {name: _dense(column.take(at)) for name, column in picked.items()}
        return converter.arrays({wanted[0].name: _stacked(arrays, wanted[0])} if stacked else arrays)

    return convert


def _stacked(arrays: Mapping[str, Array], tensor: Tensor) -> Array:
    """A single column of lists is the tensor itself."""
    first = next(iter(arrays.values()))
    if len(arrays) == 1 and first.ndim > 1:
        return first
    # Each by itself: side by side, whole numbers and fractions would all become fractions.
    return np.column_stack(
        [typed.tensor_cast(Tensor(name=name, dtype=tensor.dtype, shape=(-1,)), array) for name, array in arrays.items()]
    )


def _dense(values: pa.Array) -> Array:
    """`[rows, ...]`. Raises SchemaMismatch where the lists of a level are not all of one length."""
    kind = values.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return can_be_missing(*numpy_of(pa.chunked_array([values])))
    if values.null_count:
        raise SchemaMismatch("a list is missing")
    lengths = np.unique(values.value_lengths().to_numpy(zero_copy_only=False))
    if len(lengths) > 1:
        raise SchemaMismatch("the lists of one level are not of one length")
    inner = _dense(values.flatten())
    return inner.reshape(len(values), int(lengths.sum()), *inner.shape[1:])
