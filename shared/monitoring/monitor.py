"""Looks at one window of a deployment: have the data moved, have the predictions, are they still right? The spine."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.monitoring import captured, feedback, results
from shared.monitoring.captured import Record
from shared.monitoring.drift import distances
from shared.monitoring.performance import measure
from shared.monitoring.profile import FeatureProfile, Value, profile
from shared.monitoring.results import Baseline, ComparedWith, FeatureDrift, Performance, Result, Status
from shared.monitoring.settings import MOST_ROWS, DriftThresholds, Monitoring
from shared.monitoring.windows import Window
from shared.ports import BlobStore

type Columns = dict[str, list[Value]]


class Target(NamedTuple):
    """A deployment that is watched. `model`: name/version."""

    endpoint: str
    deployment: str
    model: str
    settings: Monitoring


class _Seen(NamedTuple):
    """Of a window: columns, `[rows]` each."""

    rows: int
    inputs: Columns
    outputs: Columns


def check(target: Target, window: Window, store: BlobStore, now: datetime) -> Result:
    """The same whoever looks, and however often: the first whole window of a model is its baseline for good."""
    seen = _seen(_records(target, window, store), target.settings.min_rows)
    baseline = _baseline(target, window, seen, store)
    data_drift = _data_drift(target.settings, seen, baseline)
    prediction_drift = _prediction_drift(target.settings, seen, baseline)
    performance = _performance(target, window, store)
    return Result(
        endpoint=target.endpoint,
        deployment=target.deployment,
        model=target.model,
        window_start=window.start,
        window_end=window.end,
        checked_at=now,
        status=_status([*data_drift, *prediction_drift, *performance], baseline, window),
        rows=seen.rows,
        data_drift=data_drift,
        prediction_drift=prediction_drift,
        model_performance=performance,
    )


def _records(target: Target, window: Window, store: BlobStore) -> Iterator[Record]:
    """Those of the model that the deployment has now: an earlier one's say nothing of it."""
    found = captured.read(store, target.endpoint, target.deployment, window)
    return (record for record in found if record.model == target.model)


def _seen(records: Iterable[Record], min_rows: int) -> _Seen:
    """Columns that few requests have say nothing, as few rows do not: they are left out."""
    seen = _Seen(0, {}, {})
    for record in records:
        for columns, found in ((seen.inputs, record.inputs), (seen.outputs, record.outputs)):
            for name, values in found.items():
                columns.setdefault(name, []).extend(values)
        lengths = map(len, (*record.inputs.values(), *record.outputs.values()))
        seen = seen._replace(rows=seen.rows + max(lengths, default=0))
        if seen.rows >= MOST_ROWS:
            break
    return seen._replace(inputs=_long(seen.inputs, min_rows), outputs=_long(seen.outputs, min_rows))


def _long(columns: Columns, min_rows: int) -> Columns:
    return {name: values for name, values in columns.items() if len(values) >= min_rows}


def _baseline(target: Target, window: Window, seen: _Seen, store: BlobStore) -> Baseline | None:
    """None where there are too few rows to say anything."""
    if seen.rows < target.settings.min_rows:
        return None
    where = (target.endpoint, target.deployment, target.model)
    found = results.find_baseline(store, *where)
    if found is not None:
        return found
    made = Baseline(
        window_start=window.start,
        window_end=window.end,
        inputs=profile(seen.inputs),
        outputs=profile(seen.outputs),
    )
    return results.create_baseline(store, *where, made)


def _data_drift(settings: Monitoring, seen: _Seen, baseline: Baseline | None) -> tuple[FeatureDrift, ...]:
    """Against the reference, and against the baseline where that one does not know a feature."""
    if baseline is None:
        return ()
    reference = settings.reference.features if settings.reference else {}
    others = {name: each for name, each in baseline.inputs.features.items() if name not in reference}
    return (
        *_drift(reference, seen.inputs, settings.data_drift, "reference"),
        *_drift(others, seen.inputs, settings.data_drift, "baseline"),
    )


def _prediction_drift(settings: Monitoring, seen: _Seen, baseline: Baseline | None) -> tuple[FeatureDrift, ...]:
    if baseline is None:
        return ()
    return (*_drift(baseline.outputs.features, seen.outputs, settings.prediction_drift, "baseline"),)


def _drift(
    expected: Mapping[str, FeatureProfile], seen: Columns, thresholds: DriftThresholds, compared_with: ComparedWith
) -> Iterator[FeatureDrift]:
    for name, found in distances(expected, seen).items():
        yield FeatureDrift(
            feature=name, is_violated=found.is_over(thresholds), compared_with=compared_with, **found._asdict()
        )


def _performance(target: Target, window: Window, store: BlobStore) -> tuple[Performance, ...]:
    """By the ground truth that came in the window, for predictions of up to so long before."""
    asked = target.settings.model_performance
    if asked is None or not (truths := feedback.read(store, target.endpoint, window)):
        return ()
    predicted = Window(window.start - timedelta(hours=asked.ground_truth_delay_hours), window.end)
    pairs = [*feedback.pairs(_records(target, predicted, store), truths, asked.output)]
    return tuple(Performance(**each._asdict()) for each in measure(pairs, asked))


def _status(found: Iterable[FeatureDrift | Performance], baseline: Baseline | None, window: Window) -> Status:
    told = [each.is_violated for each in found]
    if any(told):
        return "Violated"
    if baseline is not None and (baseline.window_start, baseline.window_end) == window:
        return "Baseline"
    return "Ok" if told else "TooFewRows"
