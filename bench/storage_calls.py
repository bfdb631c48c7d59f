"""Counts what a job asks of storage, by a proxy between it and a second host that runs nothing else."""

import re
from collections import Counter
from typing import Any, Final

from bench import jobs
from devhost.azurite import connection_string
from devhost.stack import Stack
from tests.chaos.journal import Journal
from tests.chaos.proxy import StorageProxy
from tests.chaos.weather import Fault, Seen, Weather

_HOST: Final = "counted"
_KINDS: Final = (
    (re.compile(r"^GET jobs/[^/]+/job\.json"), "GET job.json"),
    (re.compile(r"^(\w+) (?:jobs|staging)/[^/]+/\d+/(ledger|rejected|plan|tally)/"), r"\1 \2"),
    (re.compile(r"^(\w+) (predictions)/[^/]+/.*?(part|rejected)[-.].*"), r"\1 \3 in \2"),
    (re.compile(r"^(\w+) (inbox)/.*"), r"\1 \2"),
)
_LEAST_SHOWN: Final = 10


class _Counting(Weather):
    """Nothing happens to any request."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal, 0)
        self.calls: Counter[str] = Counter()

    def strike(self, seen: Seen) -> Fault | None:
        self.calls[_kind(seen.line)] += 1
        return None


def count_calls(stack: Stack, endpoint: str, location: str, **properties: Any) -> list[tuple[str, int]]:
    """Of one job, by their kind; those that are few come as one."""
    counting = _Counting(Journal(stack.work_dir / "calls.log"))
    with StorageProxy(stack.azurite.ports, [_HOST], counting) as proxy:
        host = stack.another_host(_HOST, {"SLIPWAY_DATA": connection_string(proxy.ports(_HOST))})
        host.start()
        try:
            jobs.put_away(stack, jobs.submit(stack, endpoint, location, host.url))  # loads the model
            counting.calls.clear()
            jobs.put_away(stack, jobs.submit(stack, endpoint, location, host.url, **properties))
            calls = counting.calls.most_common()
        finally:
            host.stop()
    few = sum(count for _, count in calls if count < _LEAST_SHOWN)
    return [*((kind, count) for kind, count in calls if count >= _LEAST_SHOWN), ("all else", few)]


def _kind(line: str) -> str:
    line = line.removesuffix(" (create)")
    for pattern, kind in _KINDS:
        if (found := pattern.match(line)) is not None:
            return found.expand(kind)
    return re.sub(r"/.*", "", line)
