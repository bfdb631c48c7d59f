"""Files as rows: which signatures take them, what becomes of their pixels, and what hostile files come to."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.errors import PayloadTooLarge, SchemaMismatch
from shared.models import file_inputs
from shared.models.file_inputs import FileRows, features_of_files
from shared.models.signature import Array, Column, Signature
from tests.unit.models.graphs import columns, tensors

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


@pytest.mark.parametrize("format", LOSSLESS)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64", "float16"])
def test_pixels_come_as_they_are_in_the_tensors_type_without_scaling(format: str, dtype: str) -> None:  # noqa: A002
    found = taken(tensors(x=(dtype, (-1, 2, 3, 3))), encoded(COLORS, format)).features["x"]
    assert found.dtype == dtype
    assert np.array_equal(found, COLORS[np.newaxis])


@pytest.mark.parametrize("format", ["JPEG", "GIF", "MPO"])
def test_formats_that_lose_something_are_read_too(format: str) -> None:  # noqa: A002 - Pillow's word
    gray = np.full((8, 16), 200, np.uint8)
    found = taken(tensors(x=("float32", (-1, 8, 16, 3))), encoded(gray, format)).features["x"]
    assert np.abs(found - 200).max() <= 2


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((-1, 2, 3, 3), COLORS),
        ((-1, -1, -1, 3), COLORS),
        ((-1, -1, -1, -1), COLORS),
        ((-1, 3, -1, -1), COLORS.transpose(2, 0, 1)),
        ((1, 2, 3, 3), COLORS),
        ((-1, 2, 3, 4), np.dstack([COLORS, np.full((2, 3), 255, np.uint8)])),
        ((-1, 4, -1, -1), np.dstack([COLORS, np.full((2, 3), 255, np.uint8)]).transpose(2, 0, 1)),
    ],
)
def test_channels_stand_where_the_shape_has_a_place_for_them(shape: tuple[int, ...], expected: Array) -> None:
    assert np.array_equal(taken(tensors(x=("uint8", shape)), encoded(COLORS)).features["x"][0], expected)


def test_channels_come_last_where_they_could_be_either() -> None:
    assert "and the model takes 3 x 2" in fault(encoded(COLORS), -1, 3, 2, 3)


def test_channels_come_first_where_their_number_is_free_and_the_last_size_is_none_of_theirs() -> None:
    wide = np.zeros((2, 5, 3), np.uint8)
    assert taken(tensors(x=("uint8", (-1, -1, 2, 5))), encoded(wide)).features["x"].shape == (1, 3, 2, 5)


@pytest.mark.parametrize("shape", [(-1, 2, 3), (-1, -1, -1), (-1, 2, 3, 1), (-1, 1, 2, -1)])
def test_a_tensor_of_one_channel_takes_shades_of_gray(shape: tuple[int, ...]) -> None:
    gray = np.array([[0, 50, 100], [150, 200, 255]], np.uint8)
    for content in (encoded(gray), encoded(np.dstack([gray] * 3))):
        found = taken(tensors(x=("float32", shape)), content).features["x"]
        assert found.shape == tuple(1 if size == -1 and at == 0 else found.shape[at] for at, size in enumerate(shape))
        assert np.array_equal(found.reshape(2, 3), gray)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_of_8_bits_becomes_the_channels_that_the_model_takes(mode: str, channels: int) -> None:
    content = saved(Image.new("RGB", (3, 2), "white").convert(mode), "TIFF" if mode in ("CMYK", "YCbCr") else "PNG")
    found = taken(tensors(x=("uint8", (-1, 2, 3, channels))), content).features["x"]
    assert (found.shape, int(found.min())) == ((1, 2, 3, channels), 255)


def test_a_palette_with_transparency_is_read_without_complaint() -> None:
    image = Image.new("P", (3, 2), 0)
    image.putpalette([10, 20, 30] * 2)
    content = saved(image, transparency=b"\x00\xff")
    assert taken(tensors(x=("uint8", (-1, 2, 3, 3))), content).features["x"][0, 0, 0].tolist() == [10, 20, 30]
    assert taken(tensors(x=("uint8", (-1, 2, 3, 4))), content).features["x"][0, 0, 0].tolist() == [10, 20, 30, 0]


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("L", (3, 2), shade) for shade in (10, 200)]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert taken(tensors(x=("uint8", (-1, 2, 3, 1))), content).features["x"].max() == 10


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((-1, 4, 3, 3), "4 x 3"), ((-1, -1, 4, 3), "any x 4"), ((-1, 3, 5, -1), "5 x any"), ((-1, 2, 2), "2 x 2")],
)
def test_a_size_that_the_model_does_not_take_names_both(shape: tuple[int, ...], wanted: str) -> None:
    assert fault(encoded(COLORS), *shape) == (
        f"the image is 2 x 3 pixels (height x width), and the model takes {wanted}: resize it"
    )


def test_good_files_are_taken_beside_bad_ones() -> None:
    contents = [b"", encoded(COLORS), encoded(COLORS[:1]), encoded(COLORS)[:-30], encoded(COLORS + 1)]
    rows, faults = features_of_files(tensors(x=("uint8", (-1, 2, 3, 3))), contents)
    assert [group.files for group in rows] == [(1, 4)]
    assert np.array_equal(rows[0].features["x"], np.stack([COLORS, COLORS + 1]))
    assert list(faults) == [0, 2, 3]


def test_images_of_several_sizes_come_apart_where_the_size_is_free() -> None:
    contents = [encoded(COLORS), encoded(COLORS[:1]), encoded(COLORS)]
    rows, faults = features_of_files(tensors(x=("uint8", (-1, -1, -1, 3))), contents)
    assert [(group.files, group.features["x"].shape) for group in rows] == [
        ((0, 2), (2, 2, 3, 3)),
        ((1,), (1, 1, 3, 3)),
    ]
    assert faults == {}


def test_a_model_that_takes_one_row_a_call_gets_each_file_on_its_own() -> None:
    rows, _ = features_of_files(tensors(x=("uint8", (1, 2, 3, 3))), [encoded(COLORS)] * 2)
    assert [(group.files, group.features["x"].shape) for group in rows] == [((0,), (1, 2, 3, 3)), ((1,), (1, 2, 3, 3))]


@pytest.mark.parametrize("format", [*LOSSLESS, "JPEG", "GIF"])
def test_a_truncated_file_is_a_fault(format: str) -> None:  # noqa: A002 - Pillow's word
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    content = encoded(noise, format)
    assert fault(content[: len(content) // 2]).startswith(("the image cannot be read: ", "the file is no image in "))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["TIFF", "JPEG", "PNG"])
def test_an_image_has_one_size_however_it_was_held(format: str, orientation: int) -> None:  # noqa: A002
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(np.zeros((2, 3, 3), np.uint8), format, exif=exif)
    shape = taken(tensors(x=("uint8", (-1, -1, -1, 3))), content).features["x"].shape
    assert shape == ((1, 3, 2, 3) if format == "TIFF" and orientation > 4 else (1, 2, 3, 3))


NO_IMAGE = "the file is no image in PNG, JPEG, TIFF, BMP or GIF, or its head is broken"


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


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 3), np.uint16), np.zeros((2, 3), np.float32), np.zeros((2, 3), np.int32)]
)
def test_deeper_pixels_are_not_silently_cut(pixels: Array) -> None:
    assert "save it with 8 bits a channel" in fault(encoded(pixels, "TIFF"))


def test_more_images_than_memory_is_meant_for_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_inputs, "_MOST_BYTES", 2 * COLORS.size * 4)
    signature = tensors(x=("float32", (-1, 2, 3, 3)))
    assert taken(signature, *[encoded(COLORS)] * 2).files == (0, 1)
    with pytest.raises(PayloadTooLarge, match="lower mini_batch_size"):
        features_of_files(signature, [encoded(COLORS)] * 3)


def test_a_column_of_bytes_takes_whole_files() -> None:
    found = taken(columns("content", type="binary"), b"\xff\x00", b"").features["content"]
    assert (found.dtype, found.tolist()) == (np.dtype(object), [b"\xff\x00", b""])


def test_a_column_of_texts_takes_what_is_utf_8() -> None:
    rows, faults = features_of_files(columns("text", type="string"), ["ä\n".encode(), b"ab\xff", b"\xef\xbb\xbfmarked"])
    assert [(group.files, group.features["text"].tolist()) for group in rows] == [((0, 2), ["ä\n", "marked"])]
    assert faults == {1: "the file is not text in UTF-8: see its byte 2"}


def test_optional_columns_beside_the_one_are_missing() -> None:
    kinds: dict[str, Any] = {"a": {"type": "double", "required": False}, "b": {"type": "binary"}}
    signature = Signature(columns=tuple(Column(name=name, **kind) for name, kind in kinds.items()))
    features = taken(signature, b"x", b"y").features
    assert (features["b"].tolist(), np.isnan(features["a"]).tolist()) == ([b"x", b"y"], [True, True])
    only = Signature(columns=(Column(name="t", type="string", required=False),))
    assert taken(only, b"x").features["t"].tolist() == ["x"]


def test_files_that_are_all_faulty_make_no_rows() -> None:
    assert features_of_files(columns("t", type="string"), [b"\xff"])[0] == []
    assert features_of_files(columns("t", type="string"), []) == ([], {})


@pytest.mark.parametrize(
    "signature",
    [
        Signature(),
        columns("a", "b", type="binary"),
        columns("a", type="double"),
        Signature(columns=(Column(name="a", type="binary"), Column(name="b", type="double"))),
        tensors(a=("uint8", (-1, 2, 2)), b=("uint8", (-1, 2, 2))),
        tensors(x=("float32", (-1, 4))),
        tensors(x=("float32", (-1, 2, 2, 2))),
        tensors(x=("float32", (-1, 2, 2, 3, 3))),
        tensors(x=("float32", (2, 2, 2, 3))),
        tensors(x=("int8", (-1, 2, 2, 3))),
        tensors(x=("bool", (-1, 2, 2, 3))),
        tensors(x=("str", (-1, 2, 2, 3))),
    ],
)
def test_another_signature_takes_no_files_and_says_which_do(signature: Signature) -> None:
    with pytest.raises(SchemaMismatch, match="the model takes no files: its signature must have one tensor of images"):
        features_of_files(signature, [encoded(COLORS)])
