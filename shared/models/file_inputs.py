"""Files as the inputs of a model, one row each: images for a tensor, bytes or text for a column."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from shared.errors import PayloadTooLarge, SchemaMismatch
from shared.models.coercion import tensor_dtype
from shared.models.columns import filled, missing_column
from shared.models.images import CHANNELS, ImageFile, Size, UnreadableImage
from shared.models.signature import Array, Column, Features, Signature, Tensor

# What the images of one call may take in memory as the model takes them.
_MOST_BYTES: Final = 2**30
_TAKES_FILES: Final = (
    "the model takes no files: its signature must have one tensor of images, [-1, height, width, channels], "
    "[-1, channels, height, width] or [-1, height, width], or one required column of type binary or string"
)


class FileRows(NamedTuple):
    """Rows that a model takes in one call. `files`: the position of each among the files that were given."""

    files: tuple[int, ...]
    features: Features


class _Layout(NamedTuple):
    """What a tensor says of its images. `height` and `width`: -1 for any; `shaped`: `[h, w, c]` to what it holds."""

    height: int
    width: int
    channels: int
    shaped: Callable[[Array], Array]


type Taken = tuple[list[FileRows], dict[int, str]]
"""The rows, and the files that cannot be taken, by position, with the reason."""


def features_of_files(signature: Signature, contents: Sequence[bytes]) -> Taken:
    """Images of different sizes come apart where the signature leaves the size open, and all where it takes one a call.

    Raises SchemaMismatch when the signature takes no files, PayloadTooLarge when the images are too many at once.
    """
    if signature.columns:
        return _column(signature.columns, contents)
    if len(signature.tensors) != 1:
        raise SchemaMismatch(_TAKES_FILES)
    return _tensor(signature.tensors[0], contents)


def _column(columns: Sequence[Column], contents: Sequence[bytes]) -> Taken:
    wanted = [column for column in columns if column.required or len(columns) == 1]
    if len(wanted) != 1 or wanted[0].type not in ("binary", "string"):
        raise SchemaMismatch(_TAKES_FILES)
    values: dict[int, bytes | str] = {}
    faults: dict[int, str] = {}
    for at, content in enumerate(contents):
        try:
            values[at] = content if wanted[0].type == "binary" else content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            faults[at] = f"the file is not text in UTF-8: see its byte {error.start}"
    if not values:
        return [], faults
    taken = filled(list(values.values()), wanted[0].dtype)
    features = {column.name: taken if column is wanted[0] else missing_column(column, len(taken)) for column in columns}
    return [FileRows(tuple(values), features)], faults


def _tensor(tensor: Tensor, contents: Sequence[bytes]) -> Taken:
    layout, dtype = _layout(tensor), tensor_dtype(tensor.dtype)
    images: dict[tuple[Size, int], dict[int, Array]] = {}
    faults: dict[int, str] = {}
    left = _MOST_BYTES
    for at, content in enumerate(contents):
        try:
            image = ImageFile(content)
            _check_size(image.size, layout)
            left -= image.size.height * image.size.width * layout.channels * dtype.itemsize
            if left < 0:
                raise PayloadTooLarge("the images of one mini-batch are too many at once: lower mini_batch_size")
            call = at if tensor.shape[0] == 1 else 0
            images.setdefault((image.size, call), {})[at] = layout.shaped(image.pixels(layout.channels))
        except UnreadableImage as error:
            faults[at] = str(error)
    rows = [
        FileRows(tuple(group), {tensor.name: np.stack(list(group.values()), dtype=dtype, casting="unsafe")})
        for group in images.values()
    ]
    return rows, faults


def _check_size(size: Size, layout: _Layout) -> None:
    if layout.height not in (-1, size.height) or layout.width not in (-1, size.width):
        wanted = " x ".join("any" if each == -1 else str(each) for each in (layout.height, layout.width))
        raise UnreadableImage(f"the image is {size} pixels (height x width), and the model takes {wanted}: resize it")


def _layout(tensor: Tensor) -> _Layout:
    """A size of 1, 3 or 4 in the place of the channels tells where they are; where all is open they come last, as RGB.

    Raises SchemaMismatch for what are no images.
    """
    dtype, shape = tensor_dtype(tensor.dtype), tensor.shape
    if shape[0] in (-1, 1) and np.can_cast(np.uint8, dtype) and dtype.kind in "iuf":
        if len(shape) == 3:
            return _Layout(shape[1], shape[2], 1, partial(np.squeeze, axis=2))
        if len(shape) == 4:
            last, first = shape[3], shape[1]
            if last in CHANNELS or (last == -1 and first not in CHANNELS):
                return _Layout(shape[1], shape[2], 3 if last == -1 else last, _as_it_is)
            if first in CHANNELS or first == -1:
                return _Layout(
                    shape[2], shape[3], 3 if first == -1 else first, partial(np.moveaxis, source=2, destination=0)
                )
    raise SchemaMismatch(_TAKES_FILES)


def _as_it_is(pixels: Array) -> Array:
    return pixels
