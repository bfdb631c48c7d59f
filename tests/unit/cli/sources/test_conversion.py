"""Real scikit-learn models as graphs that answer alike."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from cli.sources.conversion import convert, is_convertible
from cli.sources.resolve import resolve
from samples.flights import data
from shared.errors import MalformedRequest
from shared.models.features import Converter
from shared.models.flavors.onnx import OnnxOptions, load
from shared.models.mlmodel import describe
from tests.unit.cli.sources.stores import save_sklearn

IRIS = load_iris(as_frame=True)
DIABETES = load_diabetes(as_frame=True)
SPECIES = IRIS.target_names[IRIS.target]


def flights() -> tuple[pd.DataFrame, Any]:
    """Texts, whole numbers and doubles of real flights, and whether they were late."""
    known = data.labelled(data.load()).head(3000)
    rows = known[["carrier", "origin", "distance", "hour", "dep_delay"]].astype(
        {"hour": np.int64, "distance": np.float64}
    )
    return rows.dropna(), known.loc[rows.dropna().index, data.LABEL].to_numpy(dtype=bool)


def pipeline() -> Any:
    numbers = (StandardScaler(), ["distance", "dep_delay"])
    texts = (OneHotEncoder(handle_unknown="ignore"), ["carrier", "origin", "hour"])
    return make_pipeline(make_column_transformer(numbers, texts), LogisticRegression(max_iter=500))


@pytest.mark.parametrize(
    ("model", "rows", "target", "outputs"),
    [
        (LogisticRegression(max_iter=1000), IRIS.data, IRIS.target, ["label", "probabilities"]),
        (RandomForestClassifier(10, random_state=0), IRIS.data, SPECIES, ["label", "probabilities"]),
        (LinearSVC(dual=False), IRIS.data, IRIS.target, ["label"]),
        (LogisticRegression(max_iter=1000), IRIS.data.to_numpy(), IRIS.target, ["label", "probabilities"]),
        (Ridge(), DIABETES.data, DIABETES.target, ["variable"]),
        (Ridge(), DIABETES.data, np.column_stack([DIABETES.target, DIABETES.target]), ["variable"]),
    ],
    ids=["logistic", "forest of texts", "without probabilities", "tensor", "regressor", "two targets"],
)
def test_a_converted_model_answers_like_the_original(
    tmp_path: Path, model: Any, rows: Any, target: Any, outputs: list[str]
) -> None:
    folder = save_sklearn(tmp_path / "model", model.fit(rows, target), rows)
    converted = convert(folder, tmp_path / "into", sample=rows)
    assert (converted.agreement.rows, converted.agreement.tolerance) == (len(rows) + 5, 1e-5)
    assert [each.output for each in converted.agreement.differences] == outputs
    assert all(each.largest <= 1e-5 for each in converted.agreement.differences)
    assert [each.name for each in describe(converted.folder, "model", "1").signature.outputs] == outputs


def test_texts_and_numbers_become_an_input_a_column_that_is_served(tmp_path: Path) -> None:
    rows, late = flights()
    model = pipeline().fit(rows, late)
    folder = save_sklearn(tmp_path / "late", model, rows)
    converted = convert(folder, tmp_path / "into", sample=rows).folder
    package = describe(converted, "late", "1")
    graph = load((converted / "model.onnx").read_bytes(), {}, package.signature, OnnxOptions(1))
    records = rows.head(20).to_dict("records")
    answer = graph.predict(Converter(package.signature).records(records), {}, None)
    assert np.abs(answer["probabilities"] - model.predict_proba(rows.head(20))).max() < 1e-5


def test_columns_keep_names_that_graphs_do_not_like(tmp_path: Path) -> None:
    columns = make_column_transformer((StandardScaler(), list(IRIS.data.columns)))
    model = make_pipeline(columns, LogisticRegression()).fit(IRIS.data, IRIS.target)
    converted = convert(save_sklearn(tmp_path / "iris", model, IRIS.data), tmp_path / "into")
    assert "petal length (cm)" in {each.name for each in describe(converted.folder, "iris", "1").signature.columns}


def test_converting_twice_gives_the_same_package(tmp_path: Path) -> None:
    folder = save_sklearn(tmp_path / "iris", LogisticRegression(max_iter=1000).fit(IRIS.data, IRIS.target), IRIS.data)
    packages = [describe(convert(folder, tmp_path / each).folder, "iris", "1").to_bytes() for each in ("a", "b")]
    assert packages[0] == packages[1]


def test_conversion_is_offered_for_what_is_no_graph_yet(tmp_path: Path) -> None:
    folder = save_sklearn(tmp_path / "iris", LogisticRegression(max_iter=1000).fit(IRIS.data, IRIS.target), IRIS.data)
    converted = convert(folder, tmp_path / "into").folder
    sources = [resolve(str(each), tmp_path / "into", base=tmp_path) for each in (folder, converted)]
    assert [is_convertible(source.origin) for source in sources] == [True, False]


def test_values_that_float32_moves_across_a_split_are_refused_with_the_reason(tmp_path: Path) -> None:
    values = (1 + np.arange(1000) * 1e-9).reshape(-1, 1)  # a thousand doubles, seventeen floats
    trees = HistGradientBoostingClassifier(max_iter=5).fit(values, np.arange(1000) >= 500)
    folder = save_sklearn(tmp_path / "fine", make_pipeline(FunctionTransformer(), trees), values)
    with pytest.raises(
        MalformedRequest, match=r"label in .* of 1005 rows, probabilities by up to .* takes float32"
    ) as caught:
        convert(folder, tmp_path / "into", sample=values)
    assert "\n" not in caught.value.message
    assert not list((tmp_path / "into").glob("*"))


def test_the_tolerance_is_the_callers(tmp_path: Path) -> None:
    folder = save_sklearn(tmp_path / "iris", LogisticRegression(max_iter=1000).fit(IRIS.data, IRIS.target), IRIS.data)
    with pytest.raises(MalformedRequest, match=r"probabilities by up to .*, 1e-12 is allowed"):
        convert(folder, tmp_path / "into", tolerance=1e-12)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (KMeans(3, n_init=1), "KMeans is neither a classifier nor a regressor"),
        (make_pipeline(FunctionTransformer(np.sqrt), LogisticRegression()), "Pipeline cannot be converted, publish"),
    ],
)
def test_what_has_no_counterpart_is_refused(tmp_path: Path, model: Any, message: str) -> None:
    folder = save_sklearn(tmp_path / "iris", model.fit(IRIS.data, IRIS.target), IRIS.data)
    with pytest.raises(MalformedRequest, match=message):
        convert(folder, tmp_path / "into")


def test_a_model_without_an_example_needs_a_sample_of_its_columns(tmp_path: Path) -> None:
    model = LogisticRegression(max_iter=1000).fit(IRIS.data, IRIS.target)
    folder = save_sklearn(tmp_path / "iris", model, IRIS.data, example=False)
    with pytest.raises(MalformedRequest, match="has no input example to compare with: log it with one"):
        convert(folder, tmp_path / "into")
    with pytest.raises(MalformedRequest, match="do not have the model's columns"):
        convert(folder, tmp_path / "into", sample=IRIS.data[["petal width (cm)"]])
    assert convert(folder, tmp_path / "into", sample=IRIS.data).agreement.rows == 150


def test_a_graph_is_not_converted_again(iris_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MalformedRequest, match="has none of the flavors"):
        convert(iris_folder, tmp_path / "into")


def test_a_model_that_cannot_be_loaded_here_says_what_to_install(tmp_path: Path) -> None:
    folder = save_sklearn(tmp_path / "iris", LogisticRegression(max_iter=1000).fit(IRIS.data, IRIS.target), IRIS.data)
    (folder / "model.pkl").write_bytes(b"cabsent.package\nModel\n.")
    with pytest.raises(MalformedRequest, match=r"install what its requirements\.txt names: .*absent"):
        convert(folder, tmp_path / "into")
