"""What operators can see in numbers: the one table of instruments, and what the flows call to fill it."""

import time
from collections.abc import Callable
from typing import Final

from shared.monitoring.instruments import Instrument, Recorder

# The label of an endpoint, deployment or model that a request did not come to: its name is empty, or not known.
UNKNOWN: Final = "unknown"

_REQUEST_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LOAD_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_JOB_S: Final = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 86_400)
# Of drift, a tenth and a fifth are where people begin to look.
_DRIFT: Final = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2, 5)
_PERFORMANCE: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1, 2, 5, 10, 20, 50, 100, 1000)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096, 16384, 65536)

REQUESTS: Final = Instrument(
    "slipway.requests",
    "{request}",
    ("endpoint", "deployment", "model", "protocol", "status"),
    "Scoring requests that were answered.",
)
REQUEST_DURATION: Final = Instrument(
    "slipway.request.duration",
    "s",
    REQUESTS.labels,
    "From the request's arrival to its reply.",
    _REQUEST_S,
)
QUEUE_DURATION: Final = Instrument(
    "slipway.queue.duration",
    "s",
    ("endpoint", "deployment"),
    "How long a request waited for its turn at the model.",
    _REQUEST_S,
)
BATCH_ROWS: Final = Instrument(
    "slipway.batch.rows", "{row}", ("model",), "Rows that one call of the model was given.", _SIZES
)
BATCH_REQUESTS: Final = Instrument(
    "slipway.batch.requests", "{request}", ("model",), "Requests that one call of the model answered.", _SIZES
)
LOAD_DURATION: Final = Instrument(
    "slipway.model.load.duration",
    "s",
    ("model", "outcome"),
    "Fetching, checking, loading and warming up a model; the outcome is ok or an error code.",
    _LOAD_S,
)
REJECTED: Final = Instrument(
    "slipway.rejected",
    "{request}",
    ("endpoint", "deployment", "reason"),
    "Requests that were turned away before the model was asked; the reason is an error code.",
)
REFUSED: Final = Instrument(
    "slipway.refused",
    "{request}",
    ("code",),
    "Requests of any route without a good token or key, or without the role; by error code.",
)
JOBS: Final = Instrument(
    "slipway.jobs",
    "{job}",
    ("endpoint", "schedule", "status"),
    "Batch jobs that ended; the schedule is empty where it was none that started them.",
)
JOB_DURATION: Final = Instrument(
    "slipway.job.duration", "s", JOBS.labels, "From a job's submission to its end.", _JOB_S
)
TICKS: Final = Instrument("slipway.ticks", "{tick}", (), "How often the timer looked after schedules and jobs.")
LATENESS: Final = Instrument(
    "slipway.schedule.lateness",
    "s",
    ("endpoint", "schedule"),
    "At each tick, how long ago the first run was due that no successful one has made up for; else 0.",
    _JOB_S,
)
INTERVAL: Final = Instrument(
    "slipway.schedule.interval",
    "s",
    LATENESS.labels,
    "At each tick, from the due run that lateness is counted from, or else the last one, to the one after it.",
    _JOB_S,
)
CAPTURED: Final = Instrument(
    "slipway.captured",
    "{request}",
    ("endpoint", "deployment", "outcome"),
    "Requests that monitoring was to keep; the outcome is Kept or Dropped.",
)
DRIFT: Final = Instrument(
    "slipway.drift",
    "1",
    ("endpoint", "deployment", "signal", "feature", "is_violated"),
    "At each tick, the population stability index of a feature in the newest window that is over.",
    _DRIFT,
)
PERFORMANCE: Final = Instrument(
    "slipway.performance",
    "1",
    ("endpoint", "deployment", "metric", "is_violated"),
    "At each tick, how right predictions were, by the ground truth that came in the newest window that is over.",
    _PERFORMANCE,
)
LOADED_SIZE: Final = Instrument("slipway.models.size", "By", (), "Memory that the loaded models take.")

INSTRUMENTS: Final = (
    REQUESTS,
    REQUEST_DURATION,
    QUEUE_DURATION,
    BATCH_ROWS,
    BATCH_REQUESTS,
    LOAD_DURATION,
    REJECTED,
    REFUSED,
    JOBS,
    JOB_DURATION,
    TICKS,
    LATENESS,
    INTERVAL,
    CAPTURED,
    DRIFT,
    PERFORMANCE,
    LOADED_SIZE,
)


class Metrics:
    """Counts and measures for one process. Cheap enough for every request, and safe from every thread.

    Callers of a method give only names that are known to exist, and "" for others, which are told as UNKNOWN: what
    the callers of an endpoint make up never becomes a label.
    """

    def __init__(self) -> None:
        self.started_ns = time.time_ns()
        self.loaded_bytes: Callable[[], int] = lambda: 0
        self._requests = Recorder(REQUEST_DURATION)
        self._queued = Recorder(QUEUE_DURATION)
        self._rows = Recorder(BATCH_ROWS)
        self._together = Recorder(BATCH_REQUESTS)
        self._loads = Recorder(LOAD_DURATION)
        self._rejected = Recorder(REJECTED)
        self._refused = Recorder(REFUSED)
        self._jobs = Recorder(JOB_DURATION)
        self._ticks = Recorder(TICKS)
        self._lateness = Recorder(LATENESS)
        self._interval = Recorder(INTERVAL)
        self._captured = Recorder(CAPTURED)
        self._drift = Recorder(DRIFT)
        self._performance = Recorder(PERFORMANCE)

    @property
    def histograms(self) -> tuple[Recorder, ...]:
        return (
            self._requests,
            self._queued,
            self._rows,
            self._together,
            self._loads,
            self._jobs,
            self._lateness,
            self._interval,
            self._drift,
            self._performance,
        )

    @property
    def counters(self) -> tuple[tuple[Instrument, Recorder], ...]:
        """A counter is the number of values of its recorder: requests are counted where they are timed."""
        return (
            (REQUESTS, self._requests),
            (REJECTED, self._rejected),
            (REFUSED, self._refused),
            (JOBS, self._jobs),
            (TICKS, self._ticks),
            (CAPTURED, self._captured),
        )

    def request(
        self, endpoint: str, deployment: str, model: str, protocol: str, status: int | str, seconds: float
    ) -> None:
        """A scoring request that was answered with an HTTP status. `model`: name/version."""
        labels = (endpoint or UNKNOWN, deployment or UNKNOWN, model or UNKNOWN, protocol, str(status))
        self._requests.record(labels, seconds)

    def queued(self, endpoint: str, deployment: str, seconds: float) -> None:
        """A request that waited for its turn at the model."""
        self._queued.record((endpoint, deployment), seconds)

    def batch(self, model: str, rows: int, requests: int) -> None:
        """One call of a model, and what was put together in it."""
        self._rows.record((model,), rows)
        self._together.record((model,), requests)

    def model_load(self, model: str, seconds: float, outcome: str) -> None:
        """A model that was loaded, or could not be. `outcome`: ok, or the error's code."""
        self._loads.record((model, outcome), seconds)

    def rejected(self, endpoint: str, deployment: str, reason: str) -> None:
        """A request that was turned away before its model was asked. `reason`: the error's code."""
        self._rejected.record((endpoint or UNKNOWN, deployment or UNKNOWN, reason), 1)

    def refused(self, code: str) -> None:
        """A request without a good token or key, or without the role."""
        self._refused.record((code,), 1)

    def job(self, endpoint: str, schedule: str, status: str, seconds: float) -> None:
        """A batch job that ended. `schedule`: empty where it was none that started it."""
        self._jobs.record((endpoint or UNKNOWN, schedule, status), seconds)

    def tick(self) -> None:
        """The timer looked after schedules and jobs."""
        self._ticks.record((), 1)

    def lateness(self, endpoint: str, schedule: str, seconds: float, interval_s: float) -> None:
        """How long ago the first run of a schedule was due that no successful one has made up for, and how long after
        that run the next one comes.
        """
        self._lateness.record((endpoint, schedule), seconds)
        self._interval.record((endpoint, schedule), interval_s)

    def captured(self, endpoint: str, deployment: str, outcome: str) -> None:
        """A request that was to be kept. `outcome`: Kept or Dropped."""
        self._captured.record((endpoint, deployment, outcome), 1)

    def drift(self, endpoint: str, deployment: str, signal: str, feature: str, is_violated: bool, index: float) -> None:
        """What a window of a deployment says of a feature. `signal`: data_drift or prediction_drift."""
        self._drift.record((endpoint, deployment, signal, feature, str(is_violated)), index)

    def performance(self, endpoint: str, deployment: str, metric: str, is_violated: bool, value: float) -> None:
        """What a window of a deployment says of its predictions."""
        self._performance.record((endpoint, deployment, metric, str(is_violated)), value)

    def watch_models(self, loaded_bytes: Callable[[], int]) -> None:
        """Asked at every export: the memory that the loaded models take."""
        self.loaded_bytes = loaded_bytes
