"""Windows of time that follow each other without a gap: pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

# A Monday, so that those of a week begin on Mondays, and all others at midnight.
_FIRST: Final = datetime(1970, 1, 5, tzinfo=UTC)
# Instances write down what they have kept a minute later, and their clocks differ.
GRACE: Final = timedelta(minutes=5)


class Window(NamedTuple):
    """[start, end), UTC."""

    start: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        return self.start <= at < self.end

    def days(self) -> Iterator[datetime]:
        """Midnights, of all days that it touches."""
        day = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        while day < self.end:
            yield day
            day += timedelta(days=1)


def last_whole(now: datetime, hours: int) -> Window:
    """The newest window that is over, and of which everything has arrived."""
    length = timedelta(hours=hours)
    end = _FIRST + (now - GRACE - _FIRST) // length * length
    return Window(end - length, end)
