"""Packed request bodies: unpacked up to the bound that holds for plain ones."""

import zlib
from typing import Final

from shared.errors import MalformedRequest, PayloadTooLarge, UnsupportedMediaType

_GZIP: Final = 16 + zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


def unpacked(body: bytes, encoding: str | None, limit: int) -> bytes:
    """The body without its Content-Encoding, at most `limit` bytes.

    Raises UnsupportedMediaType, MalformedRequest, PayloadTooLarge.
    """
    name = (encoding or "").strip().lower()
    if len(body) > limit:
        raise PayloadTooLarge(f"the body has {len(body)} bytes, but at most {limit} are taken: send it in parts")
    if name in ("", "identity"):
        return body
    if name in ("gzip", "x-gzip"):
        return _inflated(body, _GZIP, name, limit)
    if name == "deflate":
        return _inflated(body, zlib.MAX_WBITS if _has_zlib_header(body) else _RAW, name, limit)
    raise UnsupportedMediaType("send the body unpacked, or with one Content-Encoding: gzip or deflate")


def _has_zlib_header(body: bytes) -> bool:
    """RFC 9110 means zlib (RFC 1950) by deflate; some clients leave its header off, whose check sum tells."""
    return len(body) >= 2 and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2]) % 31 == 0


def _inflated(body: bytes, window: int, name: str, limit: int) -> bytes:
    stream = zlib.decompressobj(window)
    try:
        out = stream.decompress(body, limit + 1)  # stops there, however much more is packed
    except zlib.error:
        raise MalformedRequest(f"the body is not what its Content-Encoding {name} says, or is damaged") from None
    if len(out) > limit:
        raise PayloadTooLarge(f"the body unpacks to more than {limit} bytes: send it in parts")
    if not stream.eof:
        raise MalformedRequest(f"the body ends in the middle of its Content-Encoding {name}")
    if stream.unused_data:
        raise MalformedRequest(f"the body goes on behind the end of its Content-Encoding {name}")
    return out
