"""Reads from a Parquet file's footer how its columns are packed, before anything is unpacked.

pyarrow ends the process when it is asked that of a broken file. The footer is a struct of Thrift's compact protocol;
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift tells its fields.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from shared.errors import PayloadTooLarge

# pandas writes 500 bytes a column.
MAX_FOOTER_BYTES: Final = 4 * 1024 * 1024
_MAX_DEPTH: Final = 16
_CODECS: Final = ("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW")
_SCHEMA, _ROW_GROUPS, _COLUMNS, _ABOUT, _CODEC, _PACKED = 2, 4, 1, 3, 4, 7
_CHILDREN: Final = 5
# pyarrow calls itself for every level of a schema, until the process ends.
MAX_SCHEMA_DEPTH: Final = 32


class Chunk(NamedTuple):
    """The values of one column in one group of rows. `size`: bytes in the file."""

    codec: str
    size: int


def chunks(body: bytes) -> Iterator[Chunk]:
    """Raises PayloadTooLarge; ValueError, LookupError or TypeError for what is no Parquet file."""
    length = int.from_bytes(body[-8:-4], "little")
    if length > len(body) - 8:
        raise ValueError("the footer is longer than the file")
    if length > MAX_FOOTER_BYTES:
        raise PayloadTooLarge(
            f"the Parquet file's footer has {length} bytes, but at most {MAX_FOOTER_BYTES} are taken: "
            "write fewer columns, or fewer groups of rows"
        )
    footer = Reader(body[len(body) - 8 - length : len(body) - 8]).struct(0)
    if depth(footer.get(_SCHEMA, [])) > MAX_SCHEMA_DEPTH:
        raise ValueError("the schema is nested too deeply")
    for group in footer[_ROW_GROUPS]:
        for column in group[_COLUMNS]:
            about = column[_ABOUT]
            if about[_PACKED] < 0:
                raise ValueError("a column has a negative size")
            yield Chunk(_CODECS[about[_CODEC]] if about[_CODEC] >= 0 else "UNKNOWN", about[_PACKED])


def depth(elements: list[dict[int, Any]]) -> int:
    """Of a schema that is written from its root down, each element with the number of those right below it.

    Raises TypeError for what is no schema.
    """
    deepest = 0
    open_: list[int] = []
    for element in elements:
        while open_ and not open_[-1]:
            open_.pop()
        if open_:
            open_[-1] -= 1
        if not isinstance(element, dict):
            raise TypeError("the footer's schema is no list of elements")
        open_.append(element.get(_CHILDREN, 0))
        deepest = max(deepest, len(open_))
        if deepest > MAX_SCHEMA_DEPTH:
            break
    return deepest


class Reader:
    """Keeps the numbers, and no texts."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data
        self._at = 0

    def struct(self, depth: int) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("the footer is nested too deeply")
        fields: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._signed()
            # Readers differ in which of two they take, and in what becomes of a larger number.
            if field in fields or not 0 <= field < 2**15:
                raise ValueError("a field of the footer is there twice")
            kind = head & 15
            fields[field] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        match kind:
            case 1 | 2 | 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._signed()
            case 7:
                self._skip(8)
            case 8:
                self._skip(self._varint())
            case 9 | 10:
                return self._list(depth + 1)
            case 12:
                return self.struct(depth + 1)
            case _:
                raise ValueError("the footer holds an unknown type")
        return None

    def _list(self, depth: int) -> list[Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("the footer is nested too deeply")
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._varint()
        # A value of any type takes a byte at least.
        if size > len(self._data) - self._at:
            raise ValueError("a list of the footer is longer than the footer")
        return [self._value(head & 15, depth) for _ in range(size)]

    def _skip(self, length: int) -> None:
        """Raises LookupError past the end: a list of what is skipped would never come to it."""
        if length > len(self._data) - self._at:
            raise LookupError
        self._at += length

    def _signed(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7
            if shift > 63:
                raise ValueError("a number of the footer is too long")

    def _byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte
