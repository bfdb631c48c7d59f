"""The sample's data are what they are said to be, and its training keeps its promises."""

import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow.onnx
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import yaml
from mlflow.models import Model
from rich.console import Console
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from samples.flights import convert, data, evaluate, sources, train, training
from samples.flights.pipelines import PIPELINES
from samples.flights.report import ConversionError
from tests.samples.conftest import SAMPLE, Training

FOLDER = Path(sources.__file__).parent
KNOWN_LATER = {"dep_time", "arr_time", "arr_delay", "air_time"}
BOTH = pytest.mark.parametrize("name", train.MODEL_NAMES)


def test_the_data_are_the_flights_of_2013_in_the_files_order(flights: pd.DataFrame) -> None:
    raw = pd.read_csv(sources.data_file(sources.FLIGHTS), usecols=["tailnum", "dep_delay"])
    assert len(flights) == 336_776
    assert len(data.never_left(flights)) == 8_255
    assert len(data.labelled(flights)) == 336_776 - 9_430
    pd.testing.assert_frame_equal(flights[["tailnum", "dep_delay"]], raw[["tailnum", "dep_delay"]])


def test_the_label_is_an_arrival_more_than_15_minutes_late(flights: pd.DataFrame) -> None:
    arr_delay = pd.read_csv(sources.data_file(sources.FLIGHTS), usecols=["arr_delay"])["arr_delay"]
    assert flights[data.LABEL].sum() == (arr_delay > 15).sum()
    assert flights[data.LABEL].isna().equals(arr_delay.isna())


def test_nothing_known_after_the_departure_is_in_the_table_or_the_csv(flights: pd.DataFrame, tmp_path: Path) -> None:
    data.write_csv(tmp_path / "flights.csv", flights.head(1))
    header = (tmp_path / "flights.csv").read_text().splitlines()[0].split(",")
    assert not KNOWN_LATER & set(flights.columns)
    assert header == [*data.IDENTIFYING, *data.INPUTS]
    assert len(data.INPUTS) <= 14


def test_only_optional_inputs_are_ever_missing_but_for_flights_that_never_left(flights: pd.DataFrame) -> None:
    left = flights[flights["dep_delay"].notna()]
    assert {column for column in data.INPUTS if left[column].isna().any()} == data.OPTIONAL


def test_a_month_as_csv_reads_back_as_the_same_rows(flights: pd.DataFrame, tmp_path: Path) -> None:
    january = data.month(flights, 1)
    data.write_csv(tmp_path / "january.csv", january)
    read = pd.read_csv(tmp_path / "january.csv")
    assert len(read) == 27_004
    assert len(data.never_left(read)) == 521
    pd.testing.assert_frame_equal(data.inputs(read), data.inputs(january).reset_index(drop=True))


def test_a_gzipped_csv_has_the_same_text_and_the_same_bytes_each_time(flights: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("plain.csv", "one.csv.gz", "two.csv.gz"):
        data.write_csv(tmp_path / name, flights.head(100))
    packed = (tmp_path / "one.csv.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "plain.csv").read_bytes()
    assert packed == (tmp_path / "two.csv.gz").read_bytes()


def test_training_and_test_months_do_not_overlap(flights: pd.DataFrame) -> None:
    train_set, test_set = training.split(flights, None)
    assert set(flights.loc[train_set.inputs.index, "month"]) == set(range(1, 10))
    assert set(flights.loc[test_set.inputs.index, "month"]) == {10, 11, 12}
    assert len(train_set.late) + len(test_set.late) == len(data.labelled(flights))


@BOTH
def test_the_converted_model_predicts_what_the_trained_one_does(name: str, flights: pd.DataFrame) -> None:
    train_set, test_set = training.split(flights, SAMPLE)
    pipeline = training.fit(name, train_set)
    trained = pipeline.predict_proba(test_set.inputs)[:, 1]
    converted = evaluate.converted_probability(convert.onnx_model(pipeline, name), test_set.inputs)
    ties = evaluate.split_ties(pipeline, test_set.inputs)
    assert (np.abs(trained - converted)[~ties] <= 1e-5).all()
    assert ties.mean() <= evaluate.MAX_TIES


def test_values_between_a_threshold_and_its_rounding_are_counted_as_split_ties() -> None:
    values = (1 + np.arange(1000) * 1e-9).reshape(-1, 1)  # a thousand doubles, seventeen floats
    trees = HistGradientBoostingClassifier(max_iter=5).fit(values, np.arange(1000) >= 500)
    pipeline = Pipeline([("as is", FunctionTransformer()), ("trees", trees)])
    ties = evaluate.split_ties(pipeline, values)
    assert 0 < ties.sum() < 1000
    assert evaluate.split_ties(pipeline, values + 1).sum() == 0


def test_a_difference_that_no_split_tie_explains_stops_the_training(flights: pd.DataFrame) -> None:
    train_set, test_set = training.split(flights, 2_000)
    pipeline = training.fit("green", train_set)
    trained = pipeline.predict_proba(test_set.inputs)[:, 1]
    off = trained.copy()
    off[0] += 2e-5
    with pytest.raises(ConversionError, match=r"^1 of \d+ converted .* 1 of them not by a float32 split tie"):
        evaluate.parity(pipeline, test_set.inputs, trained, off)


@BOTH
def test_the_saved_graph_has_one_input_per_column_and_two_outputs_by_row(name: str, training: Training) -> None:
    session = _session(training, name)
    assert {one.name: (one.type, one.shape) for one in session.get_inputs()} == {
        **{column: ("tensor(string)", [None, 1]) for column in data.STRINGS},
        **{column: ("tensor(float)", [None, 1]) for column in data.NUMBERS},
    }
    assert [(one.name, one.type, one.shape) for one in session.get_outputs()] == [
        ("late", "tensor(int64)", [None]),
        ("late_probability", "tensor(float)", [None]),
    ]


@BOTH
def test_unknown_airports_and_missing_weather_and_aircraft_are_scored(name: str, training: Training) -> None:
    row = _real_flight() | dict.fromkeys(data.OPTIONAL, np.nan) | {"carrier": "??", "dest": "", "origin": "Ω"}
    late, probability = _session(training, name).run(None, _feeds([row, _real_flight()]))
    assert late.shape == probability.shape == (2,)
    assert ((probability > 0) & (probability < 1)).all()
    assert late.tolist() == (probability > 0.5).astype(int).tolist()


@BOTH
def test_a_longer_departure_delay_is_a_higher_probability(name: str, training: Training) -> None:
    rows = [_real_flight() | {"dep_delay": delay} for delay in (-5.0, 15.0, 60.0)]
    _, probability = _session(training, name).run(None, _feeds(rows))
    assert probability[0] < probability[1] < probability[2]


@BOTH
def test_the_saved_model_is_an_mlflow_model_with_signature_and_example(name: str, training: Training) -> None:
    folder = training.out / "models" / name
    model = Model.load(folder)
    inputs = {column.name: (column.type.name, column.required) for column in model.signature.inputs}
    assert inputs == {
        **dict.fromkeys(data.STRINGS, ("string", True)),
        **{column: ("double", column not in data.OPTIONAL) for column in data.NUMBERS},
    }
    assert [column.name for column in model.signature.outputs] == ["late", "late_probability"]
    assert {"onnx", "python_function"} == set(model.flavors)
    assert json.loads((folder / "input_example.json").read_text())["columns"] == list(data.INPUTS)
    onnx.checker.check_model(mlflow.onnx.load_model(str(folder)))


def test_gradient_boosting_beats_logistic_regression_beats_the_rule(training: Training) -> None:
    report = training.report
    blue, green = report.models["blue"].quality, report.models["green"].quality
    assert green.auc > blue.auc > report.rule.auc > 0.8
    assert green.log_loss < blue.log_loss < report.rule.log_loss


def test_the_report_counts_rows_and_seconds_and_split_ties(training: Training) -> None:
    report = training.report
    assert (report.rows.read, report.rows.never_left, report.rows.left_without_arrival) == (336_776, 8_255, 1_175)
    assert report.rows.train + report.rows.test == report.sample == SAMPLE
    assert set(report.models) == set(train.MODEL_NAMES) == set(PIPELINES)
    for model in report.models.values():
        assert model.parity.rows == report.rows.test
        assert model.parity.beyond_tolerance <= model.parity.split_ties
    assert all(seconds >= 0 for seconds in report.seconds.values())
    assert all(step in training.printed for step in report.seconds)


def test_training_warns_of_nothing_and_writes_only_its_outputs(training: Training) -> None:
    assert training.warned == ""
    assert list(training.home.rglob("*")) == []
    assert list(training.started_in.rglob("*")) == []
    assert {path.name for path in training.out.iterdir()} == {"models", "report.json", ".lock"}


def test_a_second_run_trains_nothing(training: Training) -> None:
    before = _stamps(training.out / "models")
    printed = training.again()
    assert "Nothing has changed" in printed
    assert _stamps(training.out / "models") == before


def test_the_same_sources_give_the_same_bytes(training: Training, tmp_path: Path) -> None:
    train.ensure_trained(tmp_path, Console(file=io.StringIO()), sample=SAMPLE)
    assert _contents(tmp_path / "models") == _contents(training.out / "models")


def test_a_training_that_breaks_off_leaves_the_old_models_and_their_report(
    training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(models: Path, *_: object) -> None:
        (models / "blue").mkdir(parents=True)
        raise KeyboardInterrupt

    before = _contents(training.out / "models")
    monkeypatch.setattr("samples.flights.training.train", break_off)
    with pytest.raises(KeyboardInterrupt):
        train.ensure_trained(training.out, Console(file=io.StringIO()), sample=SAMPLE, force=True)
    assert _contents(training.out / "models") == before
    _, trained_now = train.ensure_trained(training.out, Console(file=io.StringIO()), sample=SAMPLE)
    assert not trained_now


def test_the_request_is_a_real_flight_of_the_test_months(flights: pd.DataFrame) -> None:
    flight = flights.query("month == 10 and day == 4 and carrier == 'UA' and flight == 1165 and dest == 'LAX'")
    assert flight[list(data.INPUTS)].to_dict("records") == [_real_flight()]


def test_the_endpoint_lets_all_flights_pass_that_never_left() -> None:
    endpoint = yaml.safe_load((FOLDER / "endpoint.yaml").read_text())
    assert 8_255 < endpoint["batch"]["error_threshold"] < 10_000
    assert sum(endpoint["traffic"].values()) == 100
    assert set(endpoint["deployments"]) == set(train.MODEL_NAMES)


def _session(training: Training, name: str) -> Any:
    return onnxruntime.InferenceSession(training.out / "models" / name / "model.onnx")


def _real_flight() -> dict[str, Any]:
    request = json.loads((FOLDER / "request.json").read_text())["input_data"]
    return dict(zip(request["columns"], request["data"][0], strict=True))


def _feeds(rows: list[dict[str, Any]]) -> Mapping[str, Any]:
    return convert.feeds(data.inputs(pd.DataFrame(rows)))


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
