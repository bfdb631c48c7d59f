"""Hands the app's log records to OpenTelemetry, each with its request and its place in the trace."""

import logging
import traceback
from typing import Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import get_current
from opentelemetry.sdk._logs import LoggerProvider

_LOWEST: Final = logging.DEBUG
_HIGHEST: Final = logging.CRITICAL


class LogHandler(logging.Handler):
    """Put on the logger `shared`, so that an exporter's own records never come back to it."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(logging.INFO)
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._provider.get_logger(record.name).emit(_translated(record))
        except Exception:
            self.handleError(record)


def _translated(record: logging.LogRecord) -> LogRecord:
    attributes: dict[str, str] = {}
    if request_id := getattr(record, "request_id", ""):
        attributes["request_id"] = request_id
    if record.exc_info and record.exc_info[0] is not None:
        attributes["exception.type"] = record.exc_info[0].__name__
        attributes["exception.message"] = str(record.exc_info[1])
        attributes["exception.stacktrace"] = "".join(traceback.format_exception(*record.exc_info))
    return LogRecord(
        timestamp=int(record.created * 1e9),
        context=get_current(),
        severity_text=record.levelname,
        severity_number=_severity(record.levelno),
        body=record.getMessage(),
        attributes=attributes,
    )


def _severity(level: int) -> SeverityNumber:
    """Python's levels are tens from 10; OpenTelemetry's begin a new range every four, DEBUG at 5."""
    return SeverityNumber(min(max(level, _LOWEST), _HIGHEST) // 10 * 4 + 1)
