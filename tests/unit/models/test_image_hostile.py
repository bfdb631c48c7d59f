"""Images that are broken, or made to take memory and time, are faults of their rows, and stop no process."""

import struct
import zlib

import numpy as np
import pytest

from shared.errors import PayloadTooLarge
from shared.models import file_inputs
from shared.models.file_inputs import features_of_files
from tests.unit.models.graphs import tensors
from tests.unit.models.pictures import COLORS, LOSSLESS, encoded, fault, taken

NO_IMAGE = "the file is no image in PNG, JPEG, TIFF, BMP or GIF, or its head is broken"


@pytest.mark.parametrize("format", [*LOSSLESS, "JPEG", "GIF"])
def test_a_truncated_file_is_a_fault(format: str) -> None:  # noqa: A002 - Pillow's word
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    content = encoded(noise, format)
    assert fault(content[: len(content) // 2]).startswith(("the image cannot be read: ", "the file is no image in "))


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\x00", b"BM", b"\xff\xd8\xff"])
def test_what_is_no_image_is_a_fault(content: bytes) -> None:
    assert fault(content).startswith((NO_IMAGE, "the image cannot be read: "))


@pytest.mark.parametrize("format", ["WEBP", "PPM", "TGA", "PDF", "ICO", "PCX"])
def test_other_formats_are_not_even_tried(format: str) -> None:  # noqa: A002 - Pillow's word
    assert fault(encoded(np.zeros((16, 16, 3), np.uint8), format)) == NO_IMAGE


@pytest.mark.parametrize(("height", "width"), [(8001, 8000), (10_000, 10_000), (60_000, 60_000), (2**31 - 1, 1)])
def test_a_bomb_is_refused_by_its_head(height: int, width: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    assert fault(bomb) == "the image has more than 64 million pixels: make it smaller"


def test_whatever_a_broken_file_does_to_its_decoder_is_a_fault() -> None:
    """Bytes that were changed at random: nothing escapes, and what can be read has its size."""
    random = np.random.default_rng(7)
    noise = random.integers(0, 255, (20, 30, 3), np.uint8)
    for format in (*LOSSLESS, "JPEG", "GIF"):  # noqa: A001 - Pillow's word
        whole = np.frombuffer(encoded(noise, format), np.uint8)
        contents = []
        for _ in range(200):
            broken = whole.copy()
            broken[random.integers(0, min(len(broken), 80), 3)] = random.integers(0, 255, 3)
            contents.append(broken.tobytes()[: random.integers(1, 2 * len(broken))])
        rows, faults = features_of_files(tensors(x=("uint8", (-1, 20, 30, 3))), contents)
        assert sorted([*faults, *(at for group in rows for at in group.files)]) == list(range(200))
        assert faults


def test_a_jpeg_of_scans_without_end_is_refused() -> None:
    content = encoded(np.zeros((8, 8), np.uint8), "JPEG", progressive=True)
    scan = content.rindex(b"\xff\xda")
    bomb = content[:scan] + content[scan:-2] * 300 + content[-2:]
    assert fault(bomb) == "the image has more than 200 scans: save it again"
    assert taken(tensors(x=("uint8", (-1, 8, 8))), content).files == (0,)


def test_more_images_than_memory_is_meant_for_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_inputs, "_MOST_BYTES", 2 * COLORS.size * 4)
    signature = tensors(x=("float32", (-1, 2, 3, 3)))
    assert taken(signature, *[encoded(COLORS)] * 2).files == (0, 1)
    with pytest.raises(PayloadTooLarge, match="lower mini_batch_size"):
        features_of_files(signature, [encoded(COLORS)] * 3)
