"""The verdict: every job is there, has ended, and is what its undisturbed twin is."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient
from rich.console import Console
from rich.table import Table

from devhost.blob_trigger import POISON_QUEUE
from shared.batch.job import JobStatus
from shared.ports import Container
from tests.chaos.jobs import Dropped, Jobs
from tests.chaos.journal import Journal
from tests.chaos.reader import Output, Watcher

_SWEPT_IN_S: Final = 60.0


class Twin:
    """What an undisturbed job made of a content."""

    def __init__(self, account: BlobServiceClient, dropped: Dropped) -> None:
        self.job_id = dropped.id
        self.end = _end(dropped.document)
        self.output = _output(account, dropped)


class Judge:
    """Looks at storage when all is over."""

    def __init__(
        self, account: BlobServiceClient, queues: QueueServiceClient, twins: Mapping[str, Twin], journal: Journal
    ) -> None:
        self._account = account
        self._queues = queues
        self._twins = twins
        self._journal = journal

    def jobs(self, jobs: Jobs) -> None:
        for number, dropped in enumerate(jobs.all, start=1):
            for problem in self._problems(dropped):
                self._journal.problem(f"{dropped.id} ({dropped.path}): {problem}")
            if number % 50 == 0:
                self._journal.say(f"{number} of {len(jobs.all)} jobs compared")
        for stranger in sorted(jobs.strangers()):
            self._journal.problem(f"{stranger}: a job of a file that nobody dropped")

    def _problems(self, dropped: Dropped) -> Iterator[str]:
        if not dropped.document:
            yield "there is no job"
            return
        if dropped.ended_at is None:
            attempt, heartbeat = (dropped.document[name] for name in ("attempt", "heartbeat_at"))
            yield f"{dropped.status} in attempt {attempt} for {dropped.took_s:.0f} s, its last heartbeat at {heartbeat}"
            return
        twin = self._twins[dropped.content.name]
        if _end(dropped.document) != twin.end:
            yield f"it ended as {_end(dropped.document)}, its twin as {twin.end}"
            return
        output = _output(self._account, dropped)
        if output is None or twin.output is None:
            yield from self._leavings(dropped)
            return
        yield from output.differences(twin.output)
        if output.files() - {dropped.path}:
            yield f"rows say that they are of {sorted(output.files())}"

    def _leavings(self, dropped: Dropped) -> Iterator[str]:
        prefix = f"{dropped.content.endpoint}/{dropped.id}/"
        container = self._account.get_container_client(Container.PREDICTIONS)
        if left := [item.name for item in container.list_blobs(name_starts_with=prefix)]:
            yield f"it has failed and left {left[0]} and {len(left) - 1} more in its output"

    def staging(self, jobs: Jobs) -> None:
        """Nothing is left of jobs that have ended, once the hosts have had the time to sweep."""
        ended = {dropped.id for dropped in jobs.all if dropped.ended_at is not None}
        container = self._account.get_container_client(Container.STAGING)
        deadline = time.monotonic() + _SWEPT_IN_S
        while True:
            left = [name for item in container.list_blobs() if (name := item.name).partition("/")[0] in ended]
            if not left or time.monotonic() > deadline:
                break
            time.sleep(1.0)
        for job_id, names in groupby(left, lambda name: name.partition("/")[0]):
            first, *others = names
            self._journal.problem(f"{job_id}: {first} and {len(others)} more were left in staging")

    def watchers(self, watchers: Iterable[Watcher]) -> None:
        for watcher in watchers:
            if watcher.broken is not None:
                self._journal.problem(f"{watcher.name}: {type(watcher.broken).__name__}: {watcher.broken}")

    def faults(self, kinds: Sequence[str]) -> None:
        for kind in kinds:
            if not self._journal.hits[kind]:
                self._journal.problem(f"the fault '{kind}' never hit, in {self._journal.tried[kind]} tries")

    def table(self, jobs: Jobs, kinds: Sequence[str], watchers: Sequence[Watcher]) -> None:
        """The numbers of the run."""
        shown = Table("what", "", title="chaos")
        statuses = Counter(dropped.status for dropped in jobs.all)
        shown.add_row(
            "jobs", f"{len(jobs.all)}: {', '.join(f'{count} {status}' for status, count in statuses.items())}"
        )
        shown.add_row("rows", f"{sum(dropped.content.rows for dropped in jobs.all):,}")
        attempts = Counter(int(dropped.document.get("attempt", 0)) for dropped in jobs.all)
        shown.add_row("attempts", ", ".join(f"{attempt}: {attempts[attempt]} jobs" for attempt in sorted(attempts)))
        if jobs.all:
            slowest = max(jobs.all, key=lambda dropped: dropped.took_s)
            shown.add_row("slowest job", f"{slowest.took_s:.0f} s, {slowest.path}, {slowest.status}")
        shown.add_row("poison", f"{self._poisoned()} drops were given up by the hosts")
        looks = sum(watcher.looks for watcher in watchers)
        whole = sum(watcher.complete_looks for watcher in watchers)
        shown.add_row("readers", f"{len(watchers)}, who looked {looks} times, {whole} times at a whole output")
        for kind in kinds:
            shown.add_row(kind, f"let loose {self._journal.tried[kind]} times, {self._journal.hits[kind]} hits")
        Console().print(shown)

    def _poisoned(self) -> int:
        """Drops that the hosts gave up; at most 32 are told. Each names a blob whose job may be missing for it."""
        try:
            return len(self._queues.get_queue_client(POISON_QUEUE).peek_messages(32))
        except ResourceNotFoundError:
            return 0


def _end(document: Mapping[str, Any]) -> tuple[str, Any, Any]:
    """What a job says of its end that does not depend on when it was."""
    error = document.get("error") or {}
    return document["status"], document.get("counts"), error.get("code")


def _output(account: BlobServiceClient, dropped: Dropped) -> Output | None:
    """None of a job that has failed."""
    if dropped.status != JobStatus.COMPLETED:
        return None
    prefix = str(dropped.document["output"]).partition("/")[2]
    return Output(account.get_container_client(Container.PREDICTIONS), prefix)
