"""What is recorded is what is read, by label."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.monitoring.instruments import MAX_LABEL_SETS, OVERFLOW, Instrument, Point, Recorder
from shared.monitoring.metrics import INSTRUMENTS, Metrics

WAIT = Instrument("test.wait", "s", ("endpoint",), "A wait.", (0.1, 1))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(WAIT)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def read(metrics: Metrics) -> dict[str, list[Point]]:
    """What was recorded, by the instrument's name."""
    recorders = [(recorder.instrument, recorder) for recorder in metrics.histograms]
    found = {instrument.name: recorder.points() for instrument, recorder in (*recorders, *metrics.counters)}
    return {name: points for name, points in found.items() if points}


def test_values_fall_into_the_bucket_whose_upper_bound_they_do_not_pass(recorder: Recorder) -> None:
    for value in (0, 0.1, 0.125, 1, 1.5, 100):
        recorder.record(("flowers",), value)
    assert recorder.points() == [Point({"endpoint": "flowers"}, (2, 2, 2), 102.725, 0, 100)]


def test_labels_are_kept_apart(recorder: Recorder) -> None:
    recorder.record(("a",), 0.5)
    recorder.record(("b",), 2)
    assert [(point.attributes, point.counts) for point in recorder.points()] == [
        ({"endpoint": "a"}, (0, 1, 0)),
        ({"endpoint": "b"}, (0, 0, 1)),
    ]


def test_nothing_recorded_is_nothing_read(recorder: Recorder) -> None:
    assert recorder.points() == []


def test_least_and_most_begin_anew_with_a_window_and_the_rest_goes_on(recorder: Recorder) -> None:
    recorder.record(("a",), 0.5)
    recorder.points(new_window=True)
    recorder.record(("a",), 3)
    recorder.record(("a",), 2)
    assert recorder.points() == [Point({"endpoint": "a"}, (0, 1, 2), 5.5, 2, 3)]


def test_label_sets_beyond_the_bound_are_counted_together(recorder: Recorder) -> None:
    for number in range(MAX_LABEL_SETS + 3):
        recorder.record((f"e{number}",), 0.5)
    recorder.record(("e0",), 0.5)
    points = recorder.points()
    assert len(points) == MAX_LABEL_SETS + 1
    assert points[0].counts == (0, 2, 0)
    assert points[-1] == Point(OVERFLOW, (0, 3, 0), 1.5, 0.5, 0.5)


def test_no_value_is_lost_where_threads_record_at_once(recorder: Recorder) -> None:
    def record_many(endpoint: str) -> None:
        for _ in range(5000):
            recorder.record((endpoint,), 1)

    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(record_many, ["e0", "e1"] * 2))
    finally:
        sys.setswitchinterval(switching)
    assert [(point.counts, point.total) for point in recorder.points()] == [((0, 10000, 0), 10000)] * 2


def test_a_request_is_timed_and_counted_once(metrics: Metrics) -> None:
    metrics.request("flowers", "blue", "iris/1", "azureml", 200, 0.003)
    labels = {"endpoint": "flowers", "deployment": "blue", "model": "iris/1", "protocol": "azureml", "status": "200"}
    found = read(metrics)
    assert set(found) == {"slipway.requests", "slipway.request.duration"}
    for (point,) in found.values():
        assert (point.attributes, sum(point.counts), point.total) == (labels, 1, 0.003)


def test_where_a_request_did_not_come_to_is_unknown(metrics: Metrics) -> None:
    metrics.request("", "", "", "azureml", 404, 0.003)
    metrics.rejected("flowers", "", "Overloaded")
    found = read(metrics)
    (request,), (rejected,) = found["slipway.requests"], found["slipway.rejected"]
    assert [request.attributes[name] for name in ("endpoint", "deployment", "model")] == ["unknown"] * 3
    assert [rejected.attributes[name] for name in ("endpoint", "deployment")] == ["flowers", "unknown"]


def test_a_wait_is_told_by_endpoint_and_deployment(metrics: Metrics) -> None:
    metrics.queued("flowers", "blue", 0.2)
    ((name, (point,)),) = read(metrics).items()
    assert (name, point.attributes, point.total) == (
        "slipway.queue.duration",
        {"endpoint": "flowers", "deployment": "blue"},
        0.2,
    )


def test_a_batch_tells_its_rows_and_its_requests(metrics: Metrics) -> None:
    metrics.batch("iris/1", rows=12, requests=3)
    found = {name: (point.attributes, point.total) for name, (point,) in read(metrics).items()}
    assert found == {
        "slipway.batch.rows": ({"model": "iris/1"}, 12),
        "slipway.batch.requests": ({"model": "iris/1"}, 3),
    }


def test_a_load_tells_its_outcome(metrics: Metrics) -> None:
    metrics.model_load("iris/1", 2, "ok")
    metrics.model_load("iris/2", 1, "ModelNotReady")
    ((name, points),) = read(metrics).items()
    assert name == "slipway.model.load.duration"
    assert [(point.attributes["model"], point.attributes["outcome"]) for point in points] == [
        ("iris/1", "ok"),
        ("iris/2", "ModelNotReady"),
    ]


def test_what_is_turned_away_is_counted_by_reason(metrics: Metrics) -> None:
    for _ in range(2):
        metrics.rejected("flowers", "blue", "Overloaded")
    ((name, (point,)),) = read(metrics).items()
    assert (name, point.attributes["reason"], point.counts) == ("slipway.rejected", "Overloaded", (2,))


def test_refusals_are_counted_by_code(metrics: Metrics) -> None:
    for code in ("NotAuthorized", "TokenRejected", "NotAuthorized"):
        metrics.refused(code)
    ((name, points),) = read(metrics).items()
    assert name == "slipway.refused"
    assert [(point.attributes["code"], point.total) for point in points] == [("NotAuthorized", 2), ("TokenRejected", 1)]


def test_a_job_is_timed_and_counted_by_schedule_and_end(metrics: Metrics) -> None:
    metrics.job("flowers", "nightly", "Failed", 90)
    metrics.job("", "", "Failed", 1)
    found = read(metrics)
    assert set(found) == {"slipway.jobs", "slipway.job.duration"}
    assert [(point.attributes, point.total) for point in found["slipway.jobs"]] == [
        ({"endpoint": "flowers", "schedule": "nightly", "status": "Failed"}, 90),
        ({"endpoint": "unknown", "schedule": "", "status": "Failed"}, 1),
    ]


def test_ticks_and_late_schedules_are_told(metrics: Metrics) -> None:
    for _ in range(3):
        metrics.tick()
    metrics.lateness("flowers", "nightly", 7200, 86400)
    found = read(metrics)
    assert [(point.attributes, point.counts) for point in found["slipway.ticks"]] == [({}, (3,))]
    ((late),) = found["slipway.schedule.lateness"]
    assert (late.attributes, late.most) == ({"endpoint": "flowers", "schedule": "nightly"}, 7200)
    ((interval),) = found["slipway.schedule.interval"]
    assert interval.most == 86400


def test_loaded_models_are_asked_for_their_size(metrics: Metrics) -> None:
    assert metrics.loaded_bytes() == 0
    metrics.watch_models(lambda: 5)
    assert metrics.loaded_bytes() == 5


def test_instruments_are_named_once_and_their_bounds_grow() -> None:
    assert len({instrument.name for instrument in INSTRUMENTS}) == len(INSTRUMENTS)
    for instrument in INSTRUMENTS:
        assert instrument.name.startswith("slipway.")
        assert list(instrument.bounds) == sorted(set(instrument.bounds))
