"""What an endpoint was asked an hour ago, in storage as the app would have kept it: no test waits for hours."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import numpy as np
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from shared.adapters.memory import MemoryBlobs
from shared.monitoring import feedback
from shared.monitoring.capture import Capture
from shared.monitoring.captured import Answer
from shared.monitoring.feedback import Feedback
from shared.monitoring.metrics import Metrics
from shared.monitoring.profile import profile
from shared.monitoring.settings import ModelPerformance, Monitoring
from shared.monitoring.windows import Window, last_whole
from shared.ports import Container
from tests.support import iris

ROWS = 200
SETTINGS = Monitoring(
    window_hours=1,
    min_rows=100,
    reference=profile(
        {name: list(values) for name, values in zip(iris.COLUMNS, zip(*iris.rows(150), strict=True), strict=True)}
    ),
    model_performance=ModelPerformance(output="label", accuracy=0.9),
)
"""Compared with the data that the iris model was trained on."""


def windows(hours: int = 1) -> list[Window]:
    """The one that is due now, and the next where an hour may end meanwhile."""
    now = datetime.now(UTC)
    return sorted({last_whole(now, hours), last_whole(now + timedelta(minutes=10), hours)})


def fill(account: BlobServiceClient, endpoint: str, settings: Monitoring, *, shift: float = 0, wrong: int = 0) -> None:
    """Requests to `blue` of a row each, whose petals are longer than in the data by `shift`, cm; and of ROWS ground
    truths so many that the predictions differ from.
    """
    store = MemoryBlobs()
    for window in windows(settings.window_hours):
        at = window.start + timedelta(minutes=10)
        capture = Capture(store, lambda at=at: at, Metrics())  # type: ignore[misc]
        told = []
        for row, values in enumerate(iris.rows(ROWS)):
            request_id = f"{at:%H}-{row}"
            inputs = {name: np.array([value]) for name, value in zip(iris.COLUMNS, values, strict=True)}
            inputs["petal_length"] = inputs["petal_length"] + shift
            outputs = {"label": np.array([row % 3])}
            capture.take(settings, Answer(endpoint, "blue", request_id, "iris/1", inputs, outputs))
            told.append({"request_id": request_id, "ground_truth": row % 3 if row >= wrong else 9})
        capture.flush()
        feedback.save(store, endpoint, settings, Feedback.model_validate({"feedback": told}), at)
    with suppress(ResourceExistsError):
        account.create_container(Container.CAPTURE)
    for item in store.list(Container.CAPTURE):
        blob = store.read(Container.CAPTURE, item.name)
        assert blob is not None
        account.get_blob_client(Container.CAPTURE, item.name).upload_blob(blob.data)
