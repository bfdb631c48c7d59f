"""Cutting finds the same records as Python's csv module, wherever the file is cut into chunks."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batch.reading import plan
from shared.batch.reading.cutting import Cut
from shared.batch.reading.plan import plan_file
from shared.endpoints.batch_settings import JobSettings
from shared.errors import UnreadableInput
from shared.models.signature import Signature
from tests.support.reading import LIMIT, MemorySource, Staging

BOM = b"\xef\xbb\xbf"
values = st.text(st.sampled_from('ab ,"\n\r;é花'), max_size=6).map(lambda text: text.replace("\r", "\r\n"))
line_ends = st.sampled_from(["\n", "\r\n"])


class Index(NamedTuple):
    columns: tuple[str, ...]
    spans: list[Cut]


def index(chunks: Iterable[bytes], rows: int, **csv_options: object) -> Index:
    """Of a CSV that is read in these pieces."""
    pieces = list(chunks)
    source = MemorySource(b"".join(pieces))
    settings = JobSettings.model_validate({"input_format": "csv", "mini_batch_size": rows, "csv": csv_options})
    source.chunks = lambda size_bytes=0: iter(pieces)  # type: ignore[method-assign]
    planned = plan_file(source, settings, Signature(), Staging(), LIMIT)
    assert planned.source is source
    return Index(planned.columns, [Cut(span.offset, span.length, span.first_row, span.rows) for span in planned.spans])


def chunked(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if set(value) & set(',"\n\r') else value


@st.composite
def files(draw: st.DrawFn) -> str:
    """A CSV as somebody might have written it: any quoting, either line end, empty lines, perhaps no last one."""
    width = draw(st.integers(2, 4))
    lines = [",".join(f"c{number}" for number in range(width))]
    for row in draw(st.lists(st.lists(values, min_size=width, max_size=width), max_size=8)):
        lines.append(",".join(map(quoted, row)))
        lines.extend([""] * draw(st.integers(0, 2)))
    end = draw(line_ends)
    return end.join(lines) + draw(st.sampled_from(["", end, end + end]))


@given(files(), st.integers(1, 5), st.integers(1, 40), st.booleans())
def test_spans_hold_the_records_that_the_csv_module_finds(text: str, rows: int, size: int, bom: bool) -> None:
    data = (BOM if bom else b"") + text.encode()
    header, *records = [record for record in csv.reader(io.StringIO(text, newline="")) if record]
    columns, spans = index(chunked(data, size), rows)
    assert list(columns) == header
    found = [_parsed(data[span.offset : span.offset + span.length]) for span in spans]
    assert [record for piece in found for record in piece] == records
    assert [span.rows for span in spans] == [len(piece) for piece in found]
    assert [span.first_row for span in spans] == list(range(0, len(records), rows))
    assert all(span.rows == rows for span in spans[:-1])


def _parsed(data: bytes) -> list[list[str]]:
    return [record for record in csv.reader(io.StringIO(data.decode(), newline="")) if record]


@given(files(), st.integers(1, 5))
def test_the_size_of_the_chunks_makes_no_difference(text: str, rows: int) -> None:
    data = text.encode()
    expected = index([data], rows)
    assert [index(chunked(data, size), rows) for size in range(1, min(len(data), 12))] == [expected] * min(
        len(data) - 1, 11
    )


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_offsets_count_the_bytes_of_the_file(size: int) -> None:
    data = BOM + b"a,b\r\n\r\n1,2\r\n\r\n\n3,4\r\n5,6"
    assert index(chunked(data, size), 2).spans == [Cut(10, 13, 0, 2), Cut(23, 3, 2, 1)]


@pytest.mark.parametrize("data", [b"a,b", b"a,b\n", b"a,b\r\n", b"a,b\n\n\r\n", b"a,b\n\r", b"\n\na,b\n", BOM + b"a,b"])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_header_alone_is_a_file_without_rows(data: bytes, size: int) -> None:
    assert index(chunked(data, size), 10) == (("a", "b"), [])


def test_empty_chunks_are_nothing() -> None:
    assert index([b"", b"a,", b"", b"b\n1", b"", b",2\n", b""], 10) == (("a", "b"), [Cut(4, 4, 0, 1)])


def test_a_header_may_span_lines_and_hold_quotes() -> None:
    assert index([b'"a\nb","c""d, e"\n1,2\n'], 10).columns == ("a\nb", 'c"d, e')


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n\r\n\n", b"\r", BOM])
@pytest.mark.parametrize("size", [1, 100])
def test_a_file_with_nothing_in_it_is_empty(data: bytes, size: int) -> None:
    with pytest.raises(UnreadableInput, match="the file is empty: a CSV with a header line is needed"):
        index(chunked(data, size), 10)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00", "binary data"),
        (b"PK\x03\x04\x00\x00", "this is a zip file: unpack it"),
        (b"a,b\n1,2\n3,\x004\n", "binary data"),
        (b'a,b\n1,"2\n3,4\n', "a quote is opened and never closed"),
        (b'"a,b\n1,2\n', "a quote is opened and never closed"),
        (b"a,b,a\n1,2,3\n", "the header names a column twice"),
        (b"a,,\n1,2,3\n", "the header names a column twice"),
        (b"a,\xff\n1,2\n", "the file is not text in UTF-8"),
        ("größe,b\n1,2\n".encode("latin-1"), "the file is not text in UTF-8"),
        (b'"a"b,c\n1,2\n', "the header is not CSV"),
        (b"a,b\r1,2\r3,4\r", "the header is not CSV"),
        (b"a," + b"x" * 140_000 + b"\n1,2\n", "the header is not CSV"),
    ],
)
@pytest.mark.parametrize("size", [7, 1_000_000])
def test_what_is_no_csv_is_told_apart(data: bytes, reason: str, size: int) -> None:
    with pytest.raises(UnreadableInput, match=reason):
        index(chunked(data, size), 10)


def test_a_first_line_without_end_is_given_up_early() -> None:
    source = MemorySource(b"x" * 10_000_000, chunk_bytes=100_000)
    with pytest.raises(UnreadableInput, match="the first line is longer than 1048576 bytes"):
        plan_file(source, JobSettings(), Signature(), Staging(), LIMIT)
    assert source.calls < 15


def test_a_first_line_that_is_too_long_is_refused_in_one_chunk_too() -> None:
    with pytest.raises(UnreadableInput, match="the first line is longer than 1048576 bytes"):
        index([b",".join([b"x" * 100_000] * 11) + b"\n1\n"], 10)


def test_a_mini_batch_that_would_not_fit_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(plan._MAX_SPAN_BYTES, "csv", 20)
    assert len(index([b"a,b\n" + b"1,2\n" * 10], 5).spans) == 2
    with pytest.raises(UnreadableInput, match="a mini-batch of 6 rows has more than 20 bytes: lower mini_batch_size"):
        index([b"a,b\n" + b"1,2\n" * 10], 6)
