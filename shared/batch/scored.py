"""From the rows or files of a mini-batch to what a model says of them."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from shared.batch.manifest import InputFile, Manifest, MiniBatch, PlanPage
from shared.batch.pinned import PinnedSource
from shared.batch.ports import BatchPorts
from shared.batch.predicting import Isolation
from shared.batch.reading.rows import Reading, read_rows
from shared.batch.rows import Rejected, Rows
from shared.batch.writing.parts import Labels, part_table
from shared.batch.writing.pieces import joined
from shared.errors import ScoringFailed, SlipwayError
from shared.models.flavor import Abort
from shared.models.scoring import Predictions, predict, predict_files, unknown_rows
from shared.models.scripts import run_files, run_rows
from shared.models.served import ServedModel
from shared.models.signature import Inputs
from shared.monitoring.captured import Answer

_LONGEST_NAME: Final = 255
# What a score.py may write itself for one mini-batch: it is held in memory until the mini-batch is done.
_MAX_OWN_BYTES: Final = 256 * 1024 * 1024
_NO_NAMES: Final = ("", ".", "..")


class OwnFile(NamedTuple):
    """What a score.py has written itself: its name in the output, and its bytes."""

    name: str
    data: bytes


class Scored(NamedTuple):
    """`table`: the predictions; None where there are none, or where only the summary is wanted."""

    table: pa.Table | None
    predicted: int
    rejected: list[Rejected]
    files: list[OwnFile]


class _Answer(NamedTuple):
    table: pa.Table
    rejected: list[Rejected]
    files: list[OwnFile]


def score_table(plan: Manifest, page: PlanPage, mini_batch: MiniBatch, ports: BatchPorts) -> Scored:
    """Rows of a table; those that cannot be read, or that no model answers for, are rejected."""
    model = ports.served(plan.model.ref, plan.runtime)
    converter = model.converter(plan.member)
    (span,) = mini_batch.spans
    file = page.files[span.file]
    reading = Reading(converter.signature, converter, plan.settings.csv, plan.settings.output_columns)
    rows = read_rows(_source(file, ports), file, span, reading)
    known = rows if plan.member is not None else _known(rows, model)
    params = converter.params(plan.params or None)

    def ask(some: Rows, abort: Abort) -> _Answer:
        if model.is_script:
            predictions = run_rows(model, Inputs(some.features, params), abort)
        else:
            predictions = predict(model, Inputs(some.features, params), key=plan.member, abort=abort)
        _capture(plan, some, predictions, ports)
        return _Answer(part_table(predictions, some, _labels(plan)), [], [])

    isolation = Isolation(ask, plan.settings.retry_settings)
    isolation.predict(known)
    return _scored(plan, isolation.answers, [*known.rejected, *isolation.rejected])


def _capture(plan: Manifest, rows: Rows, predictions: Predictions, ports: BatchPorts) -> None:
    """For monitoring, by the endpoint as it is now; what cannot be kept costs the job nothing."""
    with suppress(SlipwayError):
        settings = ports.catalog.read(plan.endpoint).revision.monitoring
        if settings is not None and len(rows.numbers):
            at = f"{plan.job_id}/{rows.path(0)}/{rows.numbers[0]}"
            where = (plan.endpoint, plan.deployment, at, str(plan.model.ref))
            ports.capture.take(settings, Answer(*where, rows.features, predictions.outputs, "batch"))


def score_files(plan: Manifest, page: PlanPage, mini_batch: MiniBatch, ports: BatchPorts) -> Scored:
    """Whole files: a row each for a model, or the local copies that Azure ML's `run(mini_batch)` works on."""
    model = ports.served(plan.model.ref, plan.runtime)
    files = [page.files[span.file] for span in mini_batch.spans]
    rows = Rows({}, np.zeros(len(files), np.int64), tuple(file.path for file in files), {}, [])
    at = {file.path: file for file in files}

    def ask(some: Rows, abort: Abort) -> _Answer:
        chosen = [at[some.path(row)] for row in range(len(some.numbers))]
        if not model.is_script:
            return _predict(plan, model, chosen, abort, ports)
        kept = sum(len(own.data) for answer in isolation.answers for own in answer.files)
        return _run(plan, model, chosen, abort, ports, _MAX_OWN_BYTES - kept)

    isolation = Isolation(ask, plan.settings.retry_settings)
    isolation.predict(rows)
    return _scored(plan, isolation.answers, isolation.rejected)


def _run(
    plan: Manifest, model: ServedModel, files: list[InputFile], abort: Abort, ports: BatchPorts, room_bytes: int
) -> _Answer:
    """`run` may give fewer results than files, which then count as rejected, or more, which count as rows.

    `room_bytes`: that are left for what it writes itself.
    """
    with _local(files, ports) as paths:
        answer = run_files(model, paths, abort)
        try:
            own = _read(answer.written, room_bytes)
        finally:
            shutil.rmtree(answer.folder, ignore_errors=True)
    names = tuple(file.path for file in files) if answer.rows == len(files) else ("",)
    rows = Rows({}, np.zeros(answer.rows, np.int64), names, {}, [])
    table = part_table(Predictions(answer.rows, answer.outputs), rows, _labels(plan))
    short = f"run() returned {answer.rows} results for {len(files)} files, of which this is the last"
    return _Answer(table, [Rejected(files[-1].path, 0, short)] * (len(files) - answer.rows), own)


def _read(written: Mapping[str, Path], room_bytes: int) -> list[OwnFile]:
    """Raises ScoringFailed."""
    if sum(path.stat().st_size for path in written.values()) > room_bytes:
        raise ScoringFailed(
            f"the score.py wrote more than {_MAX_OWN_BYTES} bytes of its own for one mini-batch: "
            "let it write less, or lower mini_batch_size"
        )
    return [OwnFile(name, path.read_bytes()) for name, path in written.items()]


def _predict(plan: Manifest, model: ServedModel, files: list[InputFile], abort: Abort, ports: BatchPorts) -> _Answer:
    params = model.converter(plan.member).params(plan.params or None)
    contents = [_source(file, ports).read(0, file.size_bytes) for file in files]
    scored = predict_files(model, contents, params, key=plan.member, abort=abort)
    paths = tuple(files[at].path for at in scored.files)
    rows = Rows({}, np.zeros(len(paths), np.int64), paths, {}, [])
    rejected = [Rejected(files[at].path, 0, reason) for at, reason in scored.faults.items()]
    return _Answer(part_table(scored.predictions, rows, _labels(plan)), rejected, [])


@contextmanager
def _local(files: list[InputFile], ports: BatchPorts) -> Iterator[list[Path]]:
    """Copies of the files, each in a folder of its own so that names cannot clash, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="slipway-mini-batch-") as folder:
        paths = []
        for number, file in enumerate(files):
            path = Path(folder) / f"{number:06d}" / _local_name(file.blob)
            path.parent.mkdir()
            with path.open("wb") as copy:
                copy.writelines(_source(file, ports).chunks())
            paths.append(path)
        yield paths


def _local_name(blob: str) -> str:
    """Blobs may have longer names than files: the end stays, which says what it is.

    A blob with content is a file for all other formats, so it is one here, even where it is called like a folder.
    """
    name = blob.rstrip("/").rpartition("/")[2]
    return "file" if name in _NO_NAMES else name.encode()[-_LONGEST_NAME:].decode(errors="ignore")


def _scored(plan: Manifest, answers: list[_Answer], rejected: list[Rejected]) -> Scored:
    tables = [answer.table for answer in answers if answer.table.num_rows]
    table = joined(tables) if tables else None
    rejected = [*rejected, *(each for answer in answers for each in answer.rejected)]
    return Scored(
        table if plan.settings.output_action == "append_row" else None,
        table.num_rows if table is not None else 0,
        sorted(rejected, key=lambda each: (each.path, each.row)),
        [file for answer in answers for file in answer.files],
    )


def _known(rows: Rows, model: ServedModel) -> Rows:
    """Rows that no model of a package of many answers for are rejected, like rows that cannot be read."""
    unknown = unknown_rows(model, rows.features)
    if not unknown:
        return rows
    kept = np.delete(np.arange(len(rows.numbers)), np.fromiter(unknown, np.int64, len(unknown)))
    rejected = [Rejected(rows.path(row), int(rows.numbers[row]), reason) for row, reason in unknown.items()]
    return rows.take(kept)._replace(rejected=[*rows.rejected, *rejected])


def _source(file: InputFile, ports: BatchPorts) -> PinnedSource:
    store = ports.accounts.store(file.account)
    return PinnedSource(store, file.place, file.etag, file.size_bytes, file.path)


def _labels(plan: Manifest) -> Labels:
    return Labels(plan.endpoint, plan.deployment, str(plan.model.ref))
