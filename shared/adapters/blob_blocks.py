"""The pieces that a blob is put together from."""

from collections.abc import Iterable, Iterator
from typing import Final

BLOCK_BYTES: Final = 8 * 1024 * 1024


def resized(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Joins small pieces: a blob takes at most 50,000 blocks."""
    held: list[bytes] = []
    size = 0
    for piece in blocks:
        held.append(piece)
        size += len(piece)
        if size >= BLOCK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)
