"""Which request a log record belongs to."""

import logging
from contextvars import ContextVar
from typing import Any, Final

# Set for as long as a request is worked on, also in the threads that `asyncio.to_thread` starts for it.
request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")


class _Stamping:
    """A log record factory in front of the one that was there."""

    def __init__(self, made_before: Any) -> None:
        self._make = made_before

    def __call__(self, *args: Any, **named: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._make(*args, **named)
        record.request_id = request_id.get()
        return record


def stamp_records() -> None:
    """From now on every log record of the process has `request_id`, for formatters and exporters. Once is enough."""
    made_before = logging.getLogRecordFactory()
    if not isinstance(made_before, _Stamping):
        logging.setLogRecordFactory(_Stamping(made_before))
