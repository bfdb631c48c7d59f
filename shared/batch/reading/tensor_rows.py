"""Columns of an Arrow table, also of lists in lists, to the tensors of a model."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from shared.batch.reading import columns
from shared.batch.reading.inference import can_be_missing
from shared.errors import SchemaMismatch
from shared.models.arrow import numpy_of
from shared.models.features import Converter
from shared.models.signature import Array, Features


def tensors(table: pa.Table, converter: Converter, names: Sequence[str]) -> Callable[[Sequence[int]], Features]:
    """Takes rows by their position; raises SchemaMismatch. `names`: of all columns of the file.

    A column a tensor; or all columns make the one tensor that the model takes.
    """
    wanted = [tensor.name for tensor in converter.signature.tensors]
    stacked = columns.stacks(converter.signature, names)
    picked = {name: table[name].combine_chunks() for name in (names if stacked else wanted)}

    def convert(rows: Sequence[int]) -> Features:
        at = pa.array(rows, pa.int64())
        arrays = {name: _dense(column.take(at)) for name, column in picked.items()}
        if stacked:
            if len(arrays) > 1 or next(iter(arrays.values())).ndim == 1:
                arrays = {wanted[0]: np.column_stack(list(arrays.values()))}
            else:
                arrays = {wanted[0]: next(iter(arrays.values()))}
        return converter.arrays(arrays)

    return convert


def _dense(values: pa.Array) -> Array:
    """`[rows, ...]`. Raises SchemaMismatch where the lists of a level are not all of one length."""
    kind = values.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        lengths = np.diff(values.offsets.to_numpy()) if not pa.types.is_fixed_size_list(kind) else [kind.list_size]
        if values.null_count:
            raise SchemaMismatch("a list is missing")
        if len(set(lengths)) > 1:
            raise SchemaMismatch("the lists of one level must be of one length")
        inner = _dense(values.flatten())
        return inner.reshape(len(values), int(lengths[0]) if len(lengths) else 0, *inner.shape[1:])
    return can_be_missing(*numpy_of(pa.chunked_array([values])))
