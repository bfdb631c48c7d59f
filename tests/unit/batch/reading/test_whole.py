"""The mini-batches of a file together are the file, however it is written, cut, packed or sent."""

import csv
import gzip
import io
import tracemalloc
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batch.reading import cutting
from shared.batch.reading.plan import plan_file
from shared.endpoints.batch_settings import JobSettings
from shared.models.signature import Column, Signature
from tests.support.reading import MemorySource, Staging, plan, read_all

SIGNATURE = Signature(columns=tuple(Column(name=name, type="string", required=False) for name in "xy"))
TEXT = st.text(st.sampled_from("ab ,;\t\"'\n\ré花"), max_size=6).map(lambda text: text.replace("\r", "\r\n"))


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, str | bool]:
    return {
        "delimiter": draw(st.sampled_from(",;\t|")),
        "quote_char": draw(st.sampled_from(["", '"', "'"])),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-be", "gb18030"])),
        "header": draw(st.booleans()),
    }


def written(rows: list[tuple[str, str]], gaps: list[int], options: dict[str, str | bool]) -> str:
    """With empty lines here and there."""
    held = io.StringIO()
    delimiter, quote = str(options["delimiter"]), str(options["quote_char"])
    lines = [("x", "y"), *rows] if options["header"] else rows
    for at, row in enumerate(lines):
        csv.writer(
            held, delimiter=delimiter, quotechar=quote or None, quoting=csv.QUOTE_ALL if quote else csv.QUOTE_NONE,
            lineterminator="\r\n" if at % 2 else "\n",
        ).writerow(row)  # fmt: skip
        held.write("\n" * gaps[at % len(gaps)])
    return held.getvalue()


@given(
    st.lists(st.tuples(TEXT, TEXT), max_size=10),
    st.lists(st.integers(0, 2), min_size=1, max_size=4),
    dialects(),
    st.integers(1, 6),
    st.integers(1, 40),
    st.sampled_from([bytes, gzip.compress, lambda data: pa.Codec("zstd").compress(data, asbytes=True)]),
)
def test_all_rows_of_a_csv_come_once_and_in_order(
    rows: list[tuple[str, str]], gaps: list[int], options: dict[str, str | bool], size: int, chunk: int, pack: object
) -> None:
    if not options["quote_char"]:
        # What has to be quoted cannot be said.
        bad = set(f'\r\n"{options["delimiter"]}')
        rows = [(x, y) for x, y in rows if not bad & set(x + y)]
    data = written(rows, gaps, options).encode(str(options["encoding"]))
    assert callable(pack)
    source = MemorySource(pack(data), "day.csv", chunk)
    made = plan(source, SIGNATURE, input_format="csv", mini_batch_size=size, csv=options)
    found = read_all(made, SIGNATURE, csv=options)
    assert [
        row for each in found for row in zip(each.features["x"].tolist(), each.features["y"].tolist(), strict=True)
    ] == rows
    assert [number for each in found for number in each.numbers.tolist()] == list(range(len(rows)))
    assert [len(each.numbers) for each in found[:-1]] == [size] * (len(found) - 1)


class Endless(MemorySource):
    """Says the same again and again, so that nothing of it is held."""

    def __init__(self, header: bytes, piece: bytes, times: int) -> None:
        super().__init__(header + piece, "day.csv")
        self.size_bytes = len(header) + len(piece) * times
        self._pieces = (header, piece, times)

    def chunks(self, size_bytes: int = 0) -> Iterator[bytes]:
        header, piece, times = self._pieces
        yield header
        for _ in range(times):
            yield piece


def test_memory_does_not_grow_with_the_file() -> None:
    piece = b'2013,"UA",1545,"a ""text"""\n' * 74_898
    source = Endless(b"a,b,c,d\n", piece, 100)
    assert source.size_bytes > 200_000_000
    tracemalloc.start()
    try:
        settings = JobSettings(input_format="csv", mini_batch_size=5000)
        planned = plan_file(source, settings, Signature(), Staging(), source.size_bytes)
        rows = sum(span.rows for span in planned.spans)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows == 7_489_800
    assert peak < 40_000_000


def test_a_packed_file_is_staged_and_cut_in_one_pass_and_little_memory() -> None:
    data = b"a,b\n" + b"1,2\n" * 5_000_000
    source = MemorySource(gzip.compress(data, 1), "day.csv")
    seen: list[int] = []

    def stage(pieces: Iterator[bytes], suffix: str) -> MemorySource:
        copy = MemorySource(b"", f"copy{suffix}")
        copy.size_bytes = sum(map(len, pieces))
        seen.append(copy.size_bytes)
        return copy

    tracemalloc.start()
    try:
        planned = plan_file(source, JobSettings(mini_batch_size=1000), Signature(), stage, len(data))
        rows = sum(span.rows for span in planned.spans)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows == 5_000_000
    assert seen == [len(data)]
    # One for the first bytes, one for the one chunk that it has: the copy is never read.
    assert source.calls == 2
    assert planned.source.calls == 0  # type: ignore[attr-defined]
    assert peak < 120_000_000


def test_where_spans_are_too_many_to_be_held_the_copy_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "_MAX_KEPT_SPANS", 5)
    source = MemorySource(gzip.compress(b"a,b\n" + b"1,2\n" * 100), "day.csv")
    few = plan(source, Signature(), mini_batch_size=20)
    many = plan(source, Signature(), mini_batch_size=7)
    assert few.planned.source.calls == 0  # type: ignore[attr-defined]
    assert many.planned.source.calls == 1  # type: ignore[attr-defined]
    assert sum(span.rows for span in few.spans) == sum(span.rows for span in many.spans) == 100
    assert read_all(many, Signature())[3].features["a"].tolist() == [1] * 7


def test_a_file_of_ten_million_rows_is_planned_in_one_pass() -> None:
    source = Endless(b"a,b,c,d\n", b"2013,UA,1545,a text\n" * 50_000, 200)
    planned = plan_file(source, JobSettings(input_format="csv"), Signature(), Staging(), source.size_bytes)
    assert sum(span.rows for span in planned.spans) == 10_000_000
