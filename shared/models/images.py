"""Image files as pixels of 8 bits a channel, as Azure ML gives them to MLflow models. Untrusted, and so bounded."""

import io
from typing import Any, Final, NamedTuple

import numpy as np

from shared.models.flavors.wording import one_line
from shared.models.signature import Array

_FORMATS: Final = ("PNG", "JPEG", "TIFF", "BMP", "GIF")
MOST_PIXELS: Final = 64_000_000
# Each scan of a progressive JPEG costs a pass over all pixels, and but some bytes of the file. Cameras make ten. Those
# within a TIFF are bounded by libtiff.
_MOST_SCANS: Final = 200
_SCAN: Final = b"\xff\xda"
# The others have more than 8 bits a channel, which would be lost, or no colours that could be told.
_MODES: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})
_MODE_OF: Final = {1: "L", 3: "RGB", 4: "RGBA"}
CHANNELS: Final = frozenset(_MODE_OF)


_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif")


def is_image(name: str) -> bool:
    """By its suffix."""
    return name.lower().endswith(_SUFFIXES)


class UnreadableImage(Exception):
    """The message is the reason, for the file's owner."""


class Size(NamedTuple):
    """In pixels."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height} x {self.width}"


class ImageFile:
    """A file of which no more than the head was read so far. Raises UnreadableImage."""

    def __init__(self, content: bytes) -> None:
        from PIL import Image, UnidentifiedImageError

        try:
            self._image: Any = Image.open(io.BytesIO(content), formats=_FORMATS)
        except UnidentifiedImageError:
            known = f"{', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}"
            raise UnreadableImage(f"the file is no image in {known}, or its head is broken") from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise UnreadableImage(_TOO_LARGE) from None
        except Exception as error:  # what hostile files make of a decoder is anybody's guess
            raise _broken(error) from None
        width, height = self._image.size
        self.size = Size(height, width)
        if width * height > MOST_PIXELS:
            raise UnreadableImage(_TOO_LARGE)
        if self._image.mode not in _MODES:
            raise UnreadableImage(f"the image has pixels of mode {self._image.mode}: save it with 8 bits a channel")
        if self._image.format in ("JPEG", "MPO") and content.count(_SCAN) > _MOST_SCANS:
            raise UnreadableImage(f"the image has more than {_MOST_SCANS} scans: save it again")

    def pixels(self, channels: int) -> Array:
        """uint8, `[height, width, channels]`; an animation's first frame. Raises UnreadableImage."""
        image, mode = self._image, _MODE_OF[channels]
        try:
            image.load()
            if "transparency" in image.info and image.mode == "P":
                image = image.convert("RGBA")
            if image.mode != mode:
                image = image.convert(mode)
            return np.asarray(image, np.uint8).reshape(*self.size, channels)
        except Exception as error:
            raise _broken(error) from None


_TOO_LARGE: Final = f"the image has more than {MOST_PIXELS // 1_000_000} million pixels: make it smaller"


def _broken(error: Exception) -> UnreadableImage:
    return UnreadableImage(f"the image cannot be read: {one_line(str(error)) or type(error).__name__}")
