"""Plans one table: what it is, which columns it has, and where its mini-batches begin and end."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final, Literal, NamedTuple

from shared.batch.manifest import Span
from shared.batch.reading import columns, cutting, formats, parquet_plan, unpacking
from shared.batch.reading.cutting import Cut, Cutter, Kept
from shared.batch.reading.records import Finder
from shared.batch.reading.source import Source
from shared.endpoints.batch_settings import Format, JobSettings
from shared.errors import PayloadTooLarge, UnreadableInput
from shared.models.signature import Signature

type Stage = Callable[[Iterator[bytes], str], Source]

# What one mini-batch may hold in memory: JSON is held as objects, which take many times their text.
_MAX_SPAN_BYTES: Final[dict[Format, int]] = {"csv": 256 * 1024 * 1024, "jsonl": 64 * 1024 * 1024}


class Planned(NamedTuple):
    """`source`: what the spans are of, the staged copy where one was made. `spans`: made while they are asked for."""

    format: Format | Literal["file"]
    columns: tuple[str, ...]
    source: Source
    spans: Iterator[Span]


class _Plan(NamedTuple):
    """What one file is planned by."""

    source: Source
    settings: JobSettings
    signature: Signature
    stage: Stage
    limit: int

    def cutter(self, format_: Format, start: int) -> Cutter:
        """`start`: where the text begins. Raises UnreadableInput."""
        rows, most = self.settings.mini_batch_size, _MAX_SPAN_BYTES[format_]
        if format_ == "jsonl":
            return Cutter(Finder(start, "", is_csv=False), rows, most, None, has_header=False)
        options = formats.dialect(self.settings.csv, self.source.path)

        def names(line: bytes) -> tuple[str, ...]:
            found = columns.csv_columns(line, options, self.signature)
            columns.check(self.signature, found)
            columns.check_stacked(self.signature, found)
            columns.chosen(self.settings.output_columns, found)
            return found

        return Cutter(Finder(start, options.quote_char, is_csv=True), rows, most, names, options.header)


def plan_file(
    source: Source, settings: JobSettings, signature: Signature, stage: Stage, max_input_bytes: int
) -> Planned:
    """`stage` writes a copy from its pieces, once, under a name with the suffix, and gives it back.

    Raises UnreadableInput, PayloadTooLarge, also while the spans are asked for; InputChanged.
    """
    try:
        planned = _planned(_Plan(source, settings, signature, stage, max_input_bytes))
    except (UnreadableInput, PayloadTooLarge) as error:
        raise type(error)(f"{source.path}: {error.message}") from None
    return planned._replace(spans=_named(planned.spans, source.path))


def _named(spans: Iterator[Span], path: str) -> Iterator[Span]:
    try:
        yield from spans
    except (UnreadableInput, PayloadTooLarge) as error:
        raise type(error)(f"{path}: {error.message}") from None


def _planned(plan: _Plan) -> Planned:
    source, asked = plan.source, plan.settings.input_format
    if source.size_bytes > plan.limit:
        raise PayloadTooLarge(f"it has {source.size_bytes} bytes, but at most {plan.limit} are taken: split it")
    head = source.read(0, formats.HEAD_BYTES)
    packing = formats.packing(head)
    pieces: Iterator[bytes] | None = None
    if packing is not None:
        head, pieces = unpacking.peek(unpacking.unpacked(source.chunks(), packing, plan.limit))
        if formats.packing(head) is not None:
            raise UnreadableInput("it holds a compressed file: compress tables once")
    format_ = formats.format_of("auto" if asked == "files" else asked, source.path, head)
    if format_ == "parquet":
        return _parquet(plan, source if pieces is None else plan.stage(pieces, ".parquet"))
    if format_ == "csv" and not unpacking.is_utf_8(plan.settings.csv.encoding):
        decoded = unpacking.decoded(source.chunks() if pieces is None else pieces, plan.settings.csv.encoding)
        head, pieces = unpacking.peek(decoded)
    start = len(formats.BOM) if head.startswith(formats.BOM) else 0
    return _direct(plan, format_, start) if pieces is None else _staged(plan, format_, start, pieces)


def _parquet(plan: _Plan, source: Source) -> Planned:
    names, spans = parquet_plan.planned(source, plan.settings, plan.signature)
    return Planned("parquet", names, source, spans)


def _direct(plan: _Plan, format_: Format, start: int) -> Planned:
    cutter = plan.cutter(format_, start)
    found = cutting.cuts(cutter, plan.source.chunks())
    # The header is known as soon as there is a first cut, or none.
    first = [cut for cut in [next(found, None)] if cut is not None]
    return Planned(format_, cutter.columns or (), plan.source, cutting.spans(chain(first, found)))


def _staged(plan: _Plan, format_: Format, start: int, pieces: Iterator[bytes]) -> Planned:
    """The file is copied and cut in the same pass."""
    cutter, kept = plan.cutter(format_, start), Kept()

    def copied() -> Iterator[bytes]:
        for piece in pieces:
            kept.add(cutter.feed(piece))
            yield piece
        kept.add(cutter.finish())

    copy = plan.stage(copied(), f".{format_}")
    found: Iterator[Cut] | None = kept.cuts()
    if found is None:
        found = cutting.cuts(plan.cutter(format_, start), copy.chunks())
    return Planned(format_, cutter.columns or (), copy, cutting.spans(found))
