"""What a look at a window found, as documents: `metrics/{endpoint}/{deployment}/…`."""

from datetime import datetime
from typing import Final, Literal, NamedTuple

from pydantic import ValidationError

from shared.documents import Document
from shared.errors import ConfigurationError, StaleDocument
from shared.monitoring.performance import Metric
from shared.monitoring.profile import Profile
from shared.monitoring.windows import Window
from shared.ports import BlobStore, Container

type Status = Literal["Ok", "Violated", "Baseline", "TooFewRows"]
"""Of a deployment's window: `Baseline`: it is what the later ones are compared with."""

type ComparedWith = Literal["reference", "baseline"]
"""The reference of the endpoint file, or the model's first window."""

# Names are listed in ascending order: what is counted down from here comes newest first.
_END_OF_TIME_H: Final = 10**7


class FeatureDrift(Document):
    feature: str
    population_stability_index: float
    jensen_shannon_distance: float
    is_violated: bool
    compared_with: ComparedWith


class Performance(Document):
    metric: Metric
    value: float
    rows: int
    is_violated: bool


class Result(Document):
    """Written once for each window and deployment. `rows`: that were looked at."""

    schema_version: Literal[1] = 1
    endpoint: str
    deployment: str
    model: str
    window_start: datetime
    window_end: datetime
    checked_at: datetime
    status: Status
    rows: int
    data_drift: tuple[FeatureDrift, ...] = ()
    prediction_drift: tuple[FeatureDrift, ...] = ()
    model_performance: tuple[Performance, ...] = ()


class Baseline(Document):
    """A model's first whole window."""

    schema_version: Literal[1] = 1
    window_start: datetime
    window_end: datetime
    inputs: Profile
    outputs: Profile


class ResultPage(NamedTuple):
    """Newest first. `marker`: what the next page is asked for with; empty where there is none."""

    results: list[Result]
    marker: str


def find(store: BlobStore, endpoint: str, deployment: str, window: Window) -> Result | None:
    return _find(Result, store, _result_name(endpoint, deployment, window))


def create(store: BlobStore, window: Window, result: Result) -> Result:
    """The first one stays: whoever was slower gets it."""
    return _create(result, store, _result_name(result.endpoint, result.deployment, window))


def page(store: BlobStore, endpoint: str, deployment: str, most: int, marker: str = "") -> ResultPage:
    """Raises MalformedRequest for a marker that no page has given."""
    found = store.list_page(Container.METRICS, f"{endpoint}/{deployment}/results/", most, marker)
    blobs = [store.read(Container.METRICS, item.name) for item in found.items]
    return ResultPage([_parsed(Result, blob.data) for blob in blobs if blob is not None], found.marker)


def summary(result: Result) -> str:
    """In one line, for the log."""
    drifted = [each.feature for each in (*result.data_drift, *result.prediction_drift) if each.is_violated]
    wrong = [f"{each.metric} {each.value:.4g}" for each in result.model_performance if each.is_violated]
    told = [f"drift of {', '.join(drifted)}"] if drifted else []
    return "; ".join([f"{result.status}, {result.rows} rows", *told, *wrong])


def find_baseline(store: BlobStore, endpoint: str, deployment: str, model: str) -> Baseline | None:
    return _find(Baseline, store, _baseline_name(endpoint, deployment, model))


def create_baseline(store: BlobStore, endpoint: str, deployment: str, model: str, baseline: Baseline) -> Baseline:
    """The first one stays."""
    return _create(baseline, store, _baseline_name(endpoint, deployment, model))


def _result_name(endpoint: str, deployment: str, window: Window) -> str:
    """By its end: the last window of an hour is older than that of the day which it belongs to."""
    age = _END_OF_TIME_H - int(window.end.timestamp() // 3600)
    hours = int((window.end - window.start).total_seconds() // 3600)
    return f"{endpoint}/{deployment}/results/{age:07d}-{window.start:%Y%m%dT%H}-{hours}h.json"


def _baseline_name(endpoint: str, deployment: str, model: str) -> str:
    """`model`: name/version."""
    return f"{endpoint}/{deployment}/baselines/{model}.json"


def _find[D: (Result, Baseline)](kind: type[D], store: BlobStore, name: str) -> D | None:
    blob = store.read(Container.METRICS, name)
    return None if blob is None else _parsed(kind, blob.data)


def _create[D: (Result, Baseline)](document: D, store: BlobStore, name: str) -> D:
    try:
        store.write(Container.METRICS, name, document.model_dump_json().encode(), create=True)
    except StaleDocument:
        return _find(type(document), store, name) or document
    return document


def _parsed[D: (Result, Baseline)](kind: type[D], data: bytes) -> D:
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        raise ConfigurationError("a document of monitoring cannot be read: see the container metrics") from None
