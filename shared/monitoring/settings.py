"""How an endpoint is watched: the file's `monitoring` part. Names of signals and metrics are Azure ML's."""

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from shared.documents import Document
from shared.monitoring.profile import Profile

MOST_ROWS: Final = 50_000
MOST_HOURS: Final = 719


class DriftThresholds(Document):
    """A feature has drifted where it is over any of them. None: that metric decides nothing."""

    population_stability_index: float | None = Field(default=0.2, gt=0)
    jensen_shannon_distance: float | None = Field(default=None, gt=0, le=1)


class ModelPerformance(Document):
    """How right the predictions of `output` have to be. What callers tell later, as feedback, is the ground truth.

    `accuracy` is the least, the two errors are the most. `ground_truth_delay_hours`: how long after its prediction a
    ground truth may come; captured requests are kept for 30 days.
    """

    output: str = Field(min_length=1, max_length=200)
    accuracy: float | None = Field(default=None, gt=0, le=1)
    mean_absolute_error: float | None = Field(default=None, gt=0)
    root_mean_squared_error: float | None = Field(default=None, gt=0)
    min_rows: int = Field(default=50, ge=10, le=MOST_ROWS)
    ground_truth_delay_hours: int = Field(default=24, ge=0, le=672)

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        asked = (self.accuracy, self.mean_absolute_error, self.root_mean_squared_error)
        if all(each is None for each in asked):
            raise ValueError(
                "model_performance needs a threshold: accuracy, mean_absolute_error or root_mean_squared_error"
            )
        return self


type Source = Literal["online", "batch"]


class Monitoring(Document):
    """`sources`: what is kept of a deployment, its requests, mini-batches of its jobs, or both, where they are to be
    alike. `sampling_rate`: the share of them. `window_hours`: windows follow each other from midnight
    UTC, those of a week from Monday. `min_rows`: of fewer rows a window says nothing. `features`: those inputs alone
    are kept and compared; empty: all. `reference`: what inputs are compared with, where it knows them; else the first
    whole window of a model.
    """

    sources: tuple[Source, ...] = Field(default=("online",), min_length=1)
    sampling_rate: float = Field(default=1.0, gt=0, le=1)
    window_hours: Literal[1, 2, 3, 4, 6, 8, 12, 24, 168] = 24
    min_rows: int = Field(default=500, ge=100, le=MOST_ROWS)
    features: tuple[str, ...] = Field(default=(), max_length=200)
    data_drift: DriftThresholds = DriftThresholds()
    prediction_drift: DriftThresholds = DriftThresholds()
    model_performance: ModelPerformance | None = None
    reference: Profile | None = None

    @model_validator(mode="after")
    def _keeps_what_is_told_of(self) -> Self:
        if self.model_performance is not None and "online" not in self.sources:
            raise ValueError("model_performance needs online among the sources: a ground truth is that of a request")
        return self

    @model_validator(mode="after")
    def _is_kept_long_enough(self) -> Self:
        performance = self.model_performance
        if performance is not None and self.window_hours + performance.ground_truth_delay_hours > MOST_HOURS:
            raise ValueError(
                "model_performance.ground_truth_delay_hours and window_hours are at most "
                f"{MOST_HOURS} together: captured requests are kept for 30 days"
            )
        return self
