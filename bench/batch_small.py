"""What does not depend on the rows: the time of the smallest job, what a mini-batch costs, and two at once."""

import statistics
import time
from typing import Final

from rich.console import Console

from bench import contest, endpoints, jobs
from bench.activities import own_cpu_ms
from bench.batch_files import HEAVY_MINI_BATCHES, HEAVY_ROWS, Files
from bench.batch_verdict import Verdict, at_least, at_most
from bench.storage_calls import count_calls
from devhost.stack import Stack
from samples.flights.local import ENDPOINT
from shared.batch.job import dropped_id

_ROUNDS: Final = 5
_PAIRS: Final = 3
_THOUSANDS: Final = 2
_ROWS_COUNTED: Final = 5
_MOST_ONE_ROW_S: Final = 3.0
_LEAST_TWO_AT_ONCE: Final = 1.6
_MOST_OVERHEAD_MS: Final = 15.0
_LOOK_EVERY_S: Final = 0.02


def one_row(console: Console, stack: Stack, files: Files) -> Verdict:
    """The polling interval is left out of a drop: its job counts from when the trigger has created it."""
    rest, drops, polls = [], [], []
    with console.status("batch: one row"):
        for turn in range(_ROUNDS + 1):
            began = time.time()
            location = jobs.upload(stack, f"{endpoints.FLIGHTS}/one.csv", files.one)
            job = jobs.finished(stack, jobs.submit(stack, endpoints.FLIGHTS, location), _LOOK_EVERY_S)
            assert job.finished_at is not None  # noqa: S101 - it has ended
            rest.append(job.finished_at.timestamp() - began)
            drop_s, poll_s = _dropped(stack, files, turn)
            drops.append(drop_s)
            polls.append(poll_s)
    # The first round loads the model.
    median_s, drop_s, poll_s = (statistics.median(values[1:]) for values in (rest, drops, polls))
    console.print(
        f"one row, medians of {_ROUNDS}: uploaded, submitted and committed in [bold]{median_s:.2f} s[/bold] "
        f"(at most {max(rest[1:]):.2f} s); dropped and committed in [bold]{drop_s:.2f} s[/bold] "
        f"(at most {max(drops[1:]):.2f} s) beside {poll_s:.1f} s until the local host had polled"
    )
    return at_most("one row, from drop to commit without the polling", _MOST_ONE_ROW_S, drop_s, "s")


def _dropped(stack: Stack, files: Files, turn: int) -> tuple[float, float]:
    began = time.time()
    location = jobs.upload(stack, f"{ENDPOINT}/one-{turn}.csv", files.one)
    upload_s = time.time() - began
    job = jobs.finished(stack, dropped_id(location, jobs.etag(stack, location)), _LOOK_EVERY_S)
    assert job.finished_at is not None  # noqa: S101 - it has ended
    created_at = job.created_at.timestamp()
    return upload_s + job.finished_at.timestamp() - created_at, created_at - began - upload_s


def concurrency(console: Console, stack: Stack, files: Files) -> Verdict:
    """Of a model that takes longer than a second for a mini-batch, on one thread."""
    title = "two mini-batches at once / one after the other"
    with console.status(f"batch: {title}"):
        location = jobs.upload(stack, f"{endpoints.HEAVY}/tumours.csv", files.tumours)
        jobs.run(stack, endpoints.HEAVY, location)  # loads the model
        one: list[float] = []
        two: list[float] = []
        for turn in range(_PAIRS):
            for at_once, times in ((1, one), (2, two)) if turn % 2 else ((2, two), (1, one)):
                times.append(jobs.run(stack, endpoints.HEAVY, location, maxConcurrencyPerInstance=at_once).seconds)
    console.print(
        f"{HEAVY_MINI_BATCHES} mini-batches of {HEAVY_ROWS:,} rows, 3,000 trees in ONNX: "
        f"{statistics.median(one):.1f} s, two at once {statistics.median(two):.1f} s"
    )
    return at_least(title, _LEAST_TWO_AT_ONCE, contest.ratio(console, f"speed, {title}", one, two))


def overhead(console: Console, stack: Stack, files: Files) -> Verdict:
    """A thousand mini-batches of one row: next to nothing is left of a mini-batch but what surrounds it."""
    with console.status("batch: a thousand mini-batches"):
        location = jobs.upload(stack, f"{endpoints.FLIGHTS}/thousand.csv", files.thousand)
        rounds = [jobs.run(stack, endpoints.FLIGHTS, location, miniBatchSize=1) for _ in range(_THOUSANDS)]
        own = statistics.median(own_cpu_ms(stack, endpoints.FLIGHTS, location) for _ in range(_THOUSANDS))
        calls = count_calls(stack, endpoints.FLIGHTS, location, miniBatchSize=_ROWS_COUNTED)
    app, azurite, seconds = (
        statistics.median(values) * 1e3 / rounds[0].counts.mini_batches
        for values in zip(*((job.app_cpu_s, job.storage_cpu_s, job.seconds) for job in rounds), strict=True)
    )
    console.print(
        f"a mini-batch of one row, {rounds[0].counts.mini_batches} of them, medians of {_THOUSANDS} jobs: "
        f"[bold]{own:.1f} ms[/bold] of the app's own CPU, its activities called one after the other; "
        f"{app:.1f} ms with the local host, its durable engine and two at once in the same process, "
        f"{azurite:.1f} ms of storage's, {seconds:.1f} ms of time"
    )
    counted = rounds[0].counts.rows // _ROWS_COUNTED
    per = ", ".join(f"{kind} {count / counted:.2f}" for kind, count in calls)
    console.print(f"storage calls a mini-batch, of a whole job of {counted}: {per}", soft_wrap=True)
    return at_most("overhead of a mini-batch, the app's own CPU", _MOST_OVERHEAD_MS, own, "ms")
