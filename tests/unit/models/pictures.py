"""Images as files, and what becomes of them as rows of a model."""

import io
from typing import Any

import numpy as np
from PIL import Image

from shared.models.file_inputs import FileRows, features_of_files
from shared.models.signature import Array, Signature
from tests.unit.models.graphs import tensors

COLORS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14
LOSSLESS = ("PNG", "TIFF", "BMP")


def encoded(pixels: Array, format: str = "PNG", **options: Any) -> bytes:  # noqa: A002 - Pillow's word
    return saved(Image.fromarray(pixels), format, **options)


def saved(image: Any, format: str = "PNG", **options: Any) -> bytes:  # noqa: A002 - Pillow's word
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def taken(signature: Signature, *contents: bytes) -> FileRows:
    """All files in one call."""
    rows, faults = features_of_files(signature, contents)
    assert faults == {}
    assert [group.files for group in rows] == [tuple(range(len(contents)))]
    return rows[0]


def fault(content: bytes, *shape: int) -> str:
    rows, faults = features_of_files(tensors(x=("uint8", shape or (-1, -1, -1, 3))), [content])
    assert rows == []
    return faults[0]
