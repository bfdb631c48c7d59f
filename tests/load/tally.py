"""What was answered, and how the host's memory went."""

import statistics
from collections import Counter, defaultdict
from typing import Final, NamedTuple

import psutil
from rich.table import Table

from tests.load.mix import Kind

# What a healthy host's memory moves by: arenas of its allocator, more threads in its pools.
ALLOWED_GROWTH: Final = 0.05
_MIB: Final = 2**20


class Tally:
    """Counts of all answers. `problems`: what should not have been answered so, with an example each."""

    def __init__(self) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.problems: dict[tuple[str, str, int], str] = {}
        self.wrong: Counter[tuple[str, str, int]] = Counter()
        self.sent: defaultdict[str, int] = defaultdict(int)
        self._latencies_s: list[float] = []

    def answered(self, kind: Kind, status: int, body: bytes, seconds: float) -> None:
        self.sent[kind.protocol] += 1
        self.statuses[kind.protocol, status] += 1
        self._latencies_s.append(seconds)
        if status not in kind.expected or (status == 200 and kind.tells not in body):
            self.failed(kind, status, body[:200].decode(errors="replace"))

    def failed(self, kind: Kind, status: int, example: str) -> None:
        """`status` 0: no answer at all."""
        key = (kind.protocol, kind.name, status)
        self.wrong[key] += 1
        self.problems.setdefault(key, example)

    def told(self) -> list[str]:
        """A line for each sort of wrong answer, the most frequent first."""
        return [
            f"{count} times {status or 'no answer'} to {protocol}, {name}: {self.problems[protocol, name, status]}"
            for (protocol, name, status), count in self.wrong.most_common()
        ]

    def latencies_ms(self) -> tuple[float, float]:
        """p50 and p99 since the last call."""
        taken, self._latencies_s = sorted(self._latencies_s), []
        if not taken:
            return 0.0, 0.0
        return statistics.median(taken) * 1e3, taken[int(len(taken) * 0.99)] * 1e3

    def table(self) -> Table:
        statuses = sorted({status for _, status in self.statuses})
        table = Table(title="Answers by protocol")
        table.add_column("protocol")
        for heading in ("requests", *map(str, statuses)):
            table.add_column(heading, justify="right")
        for protocol, sent in self.sent.items():
            counts = [self.statuses[protocol, status] for status in statuses]
            table.add_row(protocol, f"{sent:,}", *(f"{count:,}" if count else "" for count in counts))
        return table


class Verdict(NamedTuple):
    """Medians of the resident memory, and the slope of a straight line through all but its first quarter."""

    second_quarter_mib: float
    last_quarter_mib: float
    slope_mib_h: float

    @property
    def growth(self) -> float:
        return self.last_quarter_mib / self.second_quarter_mib - 1

    @property
    def is_flat(self) -> bool:
        return self.growth <= ALLOWED_GROWTH


class Memory:
    """Resident memory of the host and all that it started, sampled."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._samples: list[tuple[float, float]] = []

    def sample(self, at_s: float) -> float:
        """In MiB."""
        mib = self._process.memory_info().rss / _MIB
        for child in self._process.children(recursive=True):
            try:
                mib += child.memory_info().rss / _MIB
            except psutil.NoSuchProcess:
                continue
        self._samples.append((at_s, mib))
        return mib

    def verdict(self) -> Verdict:
        quarter = max(len(self._samples) // 4, 1)
        after = self._samples[quarter:] or self._samples
        second = statistics.median(mib for _, mib in self._samples[quarter : 2 * quarter] or self._samples)
        last = statistics.median(mib for _, mib in self._samples[-quarter:])
        times, values = zip(*after, strict=True)
        slope = statistics.linear_regression(times, values).slope * 3600 if len(after) > 1 else 0.0
        return Verdict(second, last, slope)
