"""A watched deployment on storage in memory, and requests that were answered: what the tests of monitoring stand on."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np

from shared.adapters.memory import MemoryBlobs
from shared.monitoring.capture import Capture
from shared.monitoring.captured import Answer
from shared.monitoring.metrics import Metrics
from shared.monitoring.monitor import Target
from shared.monitoring.settings import Monitoring
from shared.monitoring.watch import Watcher
from tests.unit.monitoring.test_metrics import read

# A Monday.
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Observatory:
    """The endpoint `flowers`: `blue` serves `iris/1`, in windows of an hour, with a clock of its own."""

    def __init__(self, store: MemoryBlobs | None = None, **settings: Any) -> None:
        self.now = MIDNIGHT
        self.store = store or MemoryBlobs()
        self.metrics = Metrics()
        self.settings = Monitoring.model_validate({"window_hours": 1, "min_rows": 100, **settings})
        self.capture = Capture(self.store, self._now, self.metrics)
        self._ids = count()

    def _now(self) -> datetime:
        return self.now

    @property
    def target(self) -> Target:
        return Target("flowers", "blue", "iris/1", self.settings)

    def answer(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any], **changes: Any) -> str:
        """One request of as many rows as the columns have; its id."""
        request_id = str(changes.pop("request_id", f"request-{next(self._ids)}"))
        asked, answered = ({name: np.asarray(values) for name, values in each.items()} for each in (inputs, outputs))
        answer = Answer("flowers", "blue", request_id, "iris/1", asked, answered)
        self.capture.take(self.settings, answer._replace(**changes))
        return request_id

    def pass_window(self) -> None:
        """Everything has arrived of what was kept by now."""
        self.capture.flush()
        self.now = self.now.replace(minute=0, second=0) + HOUR + timedelta(minutes=6)

    def look(self, is_late: Callable[[], bool] = lambda: False) -> None:
        """As the first tick of a process would."""
        Watcher(self.store, self._now, self.metrics).look([self.target], is_late)

    def told(self, metric: str) -> dict[tuple[str, ...], float]:
        """The largest value by labels, beside endpoint and deployment."""
        points = read(self.metrics).get(metric, [])
        return {tuple(map(str, each.attributes.values()))[2:]: each.most for each in points}


def flowers(rows: int, seed: int, shift: float = 0.0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and outputs of a model that calls a long petal virginica."""
    random = np.random.default_rng(seed)
    length = random.normal(4 + shift, 1, rows)
    species = np.where(length > 4.9, "virginica", "versicolor").astype(object)
    return {"petal_length": length, "origin": random.choice(["a", "b", "c"], rows).astype(object)}, {"species": species}
