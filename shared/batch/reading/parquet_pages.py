"""What the columns of a Parquet file unpack to, by the headers of their pages, before anything is unpacked.

The footer may claim anything; by these headers pyarrow unpacks. Each is a struct of Thrift's compact protocol.
"""

from typing import Any, Final, NamedTuple

from shared.errors import PayloadTooLarge
from shared.models import parquet_footer

_TYPE, _UNPACKED, _PACKED = 1, 2, 3
_DICTIONARY: Final = 2
# Of a page of data: where its header of either version is, and in that the encoding.
_DATA: Final = ((5, 2), (8, 4))
_VALUES: Final = 1
_DELTA_LENGTH, _DELTA = 6, 7
# Statistics of a page hold a smallest and a largest value, which writers cut short.
_MAX_HEADER_BYTES: Final = 64 * 1024
# Of a group of rows. Writers make pages of 20,000 values or a megabyte; a header takes some microseconds.
MAX_PAGES: Final = 200_000


class Pages(NamedTuple):
    """`number`: of pages; `total_bytes`: unpacked, of all pages; `largest_bytes`: of the largest.

    `values`: how many there are, those that are missing included; `dictionary_bytes`: of the largest page with values
    that other pages name, so that a few bytes may name a long one very often.

    `delta`: texts are in an encoding that pyarrow cannot share them from; `repeats`: and told by what they have in
    common with the one before, so that a page may say a long one very often.
    """

    number: int
    total_bytes: int
    largest_bytes: int
    values: int
    dictionary_bytes: int
    delta: bool
    repeats: bool


def pages(column: memoryview, most: int = MAX_PAGES) -> Pages:
    """Of one column in one group of rows. Raises PayloadTooLarge, or ValueError, LookupError, TypeError for no such."""
    at = count = total = largest = values = dictionary = 0
    encodings: set[Any] = set()
    while at < len(column):
        count += 1
        if count > most:
            raise PayloadTooLarge(
                f"a group of rows of the Parquet file has more than {MAX_PAGES} pages: "
                "write it with a larger data_page_size"
            )
        reader = parquet_footer.Reader(column[at : at + _MAX_HEADER_BYTES])
        header = reader.struct(0)
        size = header[_UNPACKED]
        if min(size, header[_PACKED]) < 0:
            raise ValueError("a page has a negative size")
        total += size
        largest = max(largest, size)
        if header[_TYPE] == _DICTIONARY:
            dictionary = max(dictionary, size)
        for kind, encoding in _DATA:
            if kind in header:
                values += max(header[kind][_VALUES], 0)
                encodings.add(header[kind].get(encoding))
        at += reader._at + header[_PACKED]
    delta = not encodings.isdisjoint({_DELTA_LENGTH, _DELTA})
    return Pages(count, total, largest, values, dictionary, delta, _DELTA in encodings)
