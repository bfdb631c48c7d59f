"""What becomes of the pixels of images: their values, channels and sizes, for the tensor that a model takes."""

import numpy as np
import pytest
from PIL import Image

from shared.models.signature import Array
from tests.unit.models.graphs import tensors
from tests.unit.models.pictures import COLORS, LOSSLESS, encoded, fault, saved, taken


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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["TIFF", "JPEG", "PNG"])
def test_an_image_has_one_size_however_it_was_held(format: str, orientation: int) -> None:  # noqa: A002
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(np.zeros((2, 3, 3), np.uint8), format, exif=exif)
    shape = taken(tensors(x=("uint8", (-1, -1, -1, 3))), content).features["x"].shape
    assert shape == ((1, 3, 2, 3) if format == "TIFF" and orientation > 4 else (1, 2, 3, 3))


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 3), np.uint16), np.zeros((2, 3), np.float32), np.zeros((2, 3), np.int32)]
)
def test_deeper_pixels_are_not_silently_cut(pixels: Array) -> None:
    assert "save it with 8 bits a channel" in fault(encoded(pixels, "TIFF"))
