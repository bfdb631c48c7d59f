"""Compressed and otherwise encoded files to plain UTF-8: piece by piece, in bounded memory, whatever they claim."""

import codecs
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import pyarrow as pa

from shared.batch.reading.formats import HEAD_BYTES, Packing
from shared.batch.reading.source import CHUNK_BYTES
from shared.errors import PayloadTooLarge, UnreadableInput

_GZIP_PIECE_BYTES: Final = 64 * 1024
_MAX_GZIP_MEMBERS: Final = 1_000_000
_GZIP_WINDOW: Final = 31  # zlib's code for a gzip with its header and checksum
_UTF_8: Final = frozenset({"utf-8", "utf-8-sig", "ascii"})


def unpacked(packed: Iterator[bytes], packing: Packing, limit: int) -> Iterator[bytes]:
    """Raises UnreadableInput, PayloadTooLarge."""
    total = 0
    for piece in _gunzipped(packed) if packing == "gzip" else _unzstd(packed):
        total += len(piece)
        if total > limit:
            raise PayloadTooLarge(f"it unpacks to more than {limit} bytes: split it")
        if piece:
            yield piece


def peek(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all pieces."""
    held: list[bytes] = []
    size = 0
    while size < HEAD_BYTES and (piece := next(pieces, None)) is not None:
        held.append(piece)
        size += len(piece)
    return b"".join(held)[:HEAD_BYTES], chain(held, pieces)


def _gunzipped(packed: Iterator[bytes]) -> Iterator[bytes]:
    stream = zlib.decompressobj(wbits=_GZIP_WINDOW)
    members = 0
    for chunk in _cut(packed):
        rest, full = chunk, False
        while rest or full:
            if stream.eof:  # a gzip may hold several members, one after the other, and zeros behind each
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                members += 1
                if members > _MAX_GZIP_MEMBERS:
                    raise UnreadableInput(f"the gzip has more than {_MAX_GZIP_MEMBERS} members: pack it as one")
                stream = zlib.decompressobj(wbits=_GZIP_WINDOW)
            try:
                piece = stream.decompress(rest, CHUNK_BYTES)
            except zlib.error:
                raise UnreadableInput("the gzip is broken: pack it again") from None
            yield piece
            rest = stream.unused_data if stream.eof else stream.unconsumed_tail
            # A full piece may not be all that the stream has taken in.
            full = len(piece) == CHUNK_BYTES and not stream.eof
    if not stream.eof:
        raise UnreadableInput("the gzip ends too early: pack and drop it again")


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Into small pieces: what follows the end of a gzip's member is copied once for every member."""
    for chunk in chunks:
        yield from (chunk[at : at + _GZIP_PIECE_BYTES] for at in range(0, len(chunk), _GZIP_PIECE_BYTES))


def _unzstd(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Any number of frames. zstd itself refuses a window of more than 128 MiB."""
    try:
        stream = pa.CompressedInputStream(pa.PythonFile(_Pieces(packed), "r"), "zstd")
        while piece := stream.read(CHUNK_BYTES):
            yield piece
    except OSError as error:
        if "Truncated" in str(error):
            raise UnreadableInput("the zstd file ends too early: pack and drop it again") from None
        raise UnreadableInput("the zstd file is broken, or needs too much memory: pack it again") from None


class _Pieces(io.RawIOBase):
    """An iterator of bytes as a file, for one reading from its start to its end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = piece
        taken, self._held = self._held[:size], self._held[size:]
        return taken


def is_utf_8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in _UTF_8


def decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The same text in UTF-8, without a byte order mark. Raises UnreadableInput, naming the byte."""
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    for piece in chain(pieces, [b""]):
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(piece, final=not piece)
            if text:
                yield text.encode()
        except UnicodeError as error:
            at = error.start if isinstance(error, UnicodeDecodeError) else 0
            raise UnreadableInput(
                f"the byte {max(offset - held + at, 0)} is not text in {encoding}: set csv.encoding to what it is"
            ) from None
        offset += len(piece)
