"""Options of publishing: which go together, and a sample that conversions are compared on."""

import shutil
from pathlib import Path

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from cli.sources import sample
from tests.app.cli.running import Slipway
from tests.unit.cli.sources.stores import save_sklearn

ROWS = load_iris(as_frame=True).data


@pytest.fixture
def without_example(slipway: Slipway, folder: Path, endpoint: str) -> Path:
    """The folder of an endpoint file, whose scikit-learn model has no input example."""
    shutil.rmtree(folder / "model")
    save_sklearn(folder / "model", LogisticRegression(max_iter=1000).fit(ROWS, load_iris().target), ROWS, example=False)
    assert slipway("init", "--name", endpoint).code == 0
    ROWS.to_csv(folder / "rows.csv", index=False)
    return folder


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--golden", "gone"], 1, "gone is no folder: `slipway score … --record` makes them"),
        (["--strict", "--no-trial"], 2, "--strict asks the new models, which --no-trial does not: use one of them"),
        (["--sample", "rows.csv"], 2, "--sample is what a conversion is compared on: use it with --to-onnx"),
        (["--to-onnx", "--sample", "rows.csv"], 1, "rows.csv cannot be read: No such file or directory"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    slipway: Slipway, endpoint: str, options: list[str], code: int, message: str
) -> None:
    assert slipway("init", "--name", endpoint).code == 0
    ended = slipway("publish", *options)
    assert (ended.code, ended.out, ended.err) == (code, "", f"slipway: {message}\n")


def test_a_conversion_is_compared_on_the_sample(slipway: Slipway, without_example: Path) -> None:
    assert "log it with one, or give a sample table" in slipway("publish", "--to-onnx").err
    told = slipway("publish", "--to-onnx", "--sample", "rows.csv", "--dry-run").out
    assert "blue was converted to ONNX; on 150 rows it differs in label by 0.0e+00, probabilities by " in told
    ended = slipway("publish", "--to-onnx", "--sample", "rows.csv", "--json")
    assert ended.document["sample"] == {"file": "rows.csv", "rows": 150}
    assert list(ended.document["converted"]["blue"]) == ["label", "probabilities"]


def test_a_large_sample_is_cut_and_said_to_be(
    slipway: Slipway, without_example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MOST_ROWS", 100)
    told = slipway("publish", "--to-onnx", "--sample", "rows.csv", "--dry-run").out
    assert "of rows.csv the first 100 rows were compared\n" in told


def test_a_sample_without_the_model_s_columns_is_refused(slipway: Slipway, without_example: Path) -> None:
    ROWS.iloc[:, :2].to_parquet(without_example / "rows.parquet")
    ended = slipway("publish", "--to-onnx", "--sample", "rows.parquet")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert ended.err.startswith("slipway: the rows to compare with do not have the model's columns: ")


def test_a_sample_that_no_model_needs_is_said_to_be_so(slipway: Slipway, folder: Path, published: str) -> None:
    ROWS.to_json(folder / "rows.jsonl", orient="records", lines=True)
    told = slipway("publish", "--to-onnx", "--sample", "rows.jsonl").out
    assert "no model was converted: rows.jsonl was not needed\n" in told
