"""The table that an endpoint file names as its reference, as the profile that is published."""

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cli import endpoint_file
from cli.publishing import reference
from cli.publishing.direct import read_endpoint_file
from cli.publishing.reference import Profiled
from cli.sources import sample
from shared.errors import MalformedRequest
from shared.models.package import ModelPackage, ModelRef, PackagedModel, Segments
from shared.models.signature import Column, Output, Signature
from shared.monitoring import captured
from shared.monitoring.profile import FeatureProfile, Profile, feature_profile

REF = ModelRef("iris", "1", f"sha256:{'1' * 64}")
NO_FILES = PackagedModel(flavor="pyfunc")


def package(*outputs: Output, **columns: str) -> ModelPackage:
    taken = tuple(
        Column(name=name, type=kind, required=kind in ("boolean", "integer", "long")) for name, kind in columns.items()
    )
    signature = Signature(columns=taken, outputs=outputs)
    return ModelPackage(name="iris", version="1", signature=signature, model=NO_FILES, files=())


def profiled(folder: Path, rows: Any, *packages: ModelPackage, file: str = "training.parquet", **more: Any) -> Profiled:
    """`rows`: a DataFrame, or the text of the file."""
    if isinstance(rows, str):
        (folder / file).write_text(rows)
    else:
        rows.to_parquet(folder / file)
    monitoring = json.dumps({"reference": f"./{file}", **more})
    (folder / "endpoint.yaml").write_text(f"name: abc\ndeployments: {{blue: {{model: m}}}}\nmonitoring: {monitoring}\n")
    written = endpoint_file.read(folder / "endpoint.yaml")
    return reference.profiled(written.draft({"blue": REF}), written, packages)


def profile_of(found: Profiled) -> Profile:
    assert found.draft.monitoring is not None
    assert found.draft.monitoring.reference is not None
    return found.draft.monitoring.reference


def features(found: Profiled) -> dict[str, FeatureProfile]:
    return profile_of(found).features


ROWS = pd.DataFrame(
    {
        "number": np.linspace(0, 1, 80),
        "small": pd.Series(np.array([0.1, 0.2] * 40)),
        "whole": pd.array([1, 2, None, 3] * 20, dtype="Int64"),
        "text": pd.Series(["a", "b"] * 40, dtype="string"),
        "kind": pd.Series(["x", None] * 40, dtype="category"),
        "truth": [True, False] * 40,
        "target": 1,
    }
)
TYPES = {"number": "double", "small": "float", "whole": "long", "text": "string", "kind": "string", "truth": "boolean"}


def test_values_are_those_that_a_request_of_them_is_kept_with(tmp_path: Path) -> None:
    found = profiled(tmp_path, ROWS, package(**TYPES))
    kept = {
        "number": ROWS["number"].to_numpy(),
        "small": ROWS["small"].to_numpy(np.float32),
        "text": ROWS["text"].to_numpy(object),
        "truth": ROWS["truth"].to_numpy(),
    }
    answer = captured.Answer("abc", "blue", "1", "iris/1", kept, {"out": np.ones(80)})
    _, line = captured.keep(answer, datetime.datetime.now(datetime.UTC))
    values = json.loads(line)["inputs"]
    assert {name: features(found)[name] for name in kept} == {name: feature_profile(values[name]) for name in kept}
    assert features(found)["whole"].categories == ("1.0", "2.0", "3.0")
    assert features(found)["whole"].counts == (20, 20, 20, 0, 20)
    assert features(found)["kind"] == FeatureProfile(categories=("x",), counts=(40, 0, 40))
    assert (profile_of(found).rows, set(features(found))) == (80, set(TYPES))
    assert found.notes == ["left out of training.parquet: target, as no deployment takes it"]


@pytest.mark.parametrize("file", ["training.csv", "training.jsonl", "training.parquet"])
def test_the_same_table_in_any_format_has_the_same_profile(tmp_path: Path, file: str) -> None:
    rows: Any = ROWS
    if file.endswith("csv"):
        rows = ROWS.to_csv(index=False)
    if file.endswith("jsonl"):
        rows = "".join(
            f"{json.dumps(row)}\n" for row in ROWS.astype(object).where(ROWS.notna(), None).to_dict("records")
        )
    found = profiled(tmp_path, rows, package(**TYPES), file=file)
    assert profile_of(found) == profile_of(profiled(tmp_path, ROWS, package(**TYPES)))


def test_texts_of_a_csv_stay_what_is_written(tmp_path: Path) -> None:
    rows = "zip,country\n" + "01234,NA\n" * 20 + ",\n"
    found = features(profiled(tmp_path, rows, package(zip="string", country="string"), file="training.csv"))
    assert found["zip"] == FeatureProfile(categories=("01234",), counts=(20, 0, 1))
    assert found["country"] == FeatureProfile(categories=("NA",), counts=(20, 0, 1))


def test_what_does_not_count_is_told_with_its_reason(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {
            "x": [1.0, 2.0],
            "at": pd.to_datetime(["2026-01-01", None]),
            "seen": pd.to_datetime(["2026-01-01", None]),
            "raw": [b"a", b"b"],
            "list": [[1], [2]],
            "object": [{"a": 1}, {"a": 2}],
            "word": ["a", "b"],
            "part": [0.5, 1.0],
            "id": [1, 2],
        }
    )
    types = {"x": "double", "at": "datetime", "seen": "string", "raw": "string", "list": "string", "object": "string"}
    found = profiled(tmp_path, rows, package(**types, word="double", part="long", new="double", file="binary"))
    assert list(features(found)) == ["x"]
    assert found.notes == [
        "left out of training.parquet: at, as a column of type datetime is not compared",
        "left out of training.parquet: seen, raw, list, object, as its values are not of the model's type string",
        "left out of training.parquet: word, as its values are not of the model's type double",
        "left out of training.parquet: part, as its values are not of the model's type long",
        "left out of training.parquet: id, as no deployment takes it",
        "training.parquet does not have new: compared with the first window instead",
    ]


def test_only_the_features_that_are_watched_count(tmp_path: Path) -> None:
    found = profiled(tmp_path, ROWS, package(**TYPES), features=["truth", "number"])
    assert list(features(found)) == ["number", "truth"]
    assert found.notes == [
        "left out of training.parquet: small, whole, text, kind, as monitoring.features does not name it",
        "left out of training.parquet: target, as no deployment takes it",
    ]


def test_columns_of_all_deployments_and_of_all_their_models_count(tmp_path: Path) -> None:
    own = PackagedModel(flavor="pyfunc", signature=package(text="string").signature)
    many = ModelPackage(
        name="iris", version="1", signature=Signature(), segments=Segments(), models={"a": own}, files=()
    )
    assert set(features(profiled(tmp_path, ROWS, package(number="double"), many))) == {"number", "text"}


def test_a_large_table_and_very_many_columns_are_cut_and_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MOST_ROWS", 30)
    columns = {f"c{number}": "double" for number in range(212)}
    found = profiled(tmp_path, pd.DataFrame(np.ones((40, 212)), columns=list(columns)), package(**columns))
    assert (profile_of(found).rows, len(features(found))) == (30, 200)
    names = ", ".join(f"c{number}" for number in range(200, 210))
    assert found.notes == [
        "of training.parquet the first 30 rows count",
        f"left out of training.parquet: {names} and 2 more, as no more than 200 columns are compared",
    ]


@pytest.mark.parametrize(
    ("taken", "more", "told"),
    [
        ({"a": "double", "b": "long"}, {}, "training.parquet has number, small, whole, text, kind, truth, target, and no column that a deployment takes: a, b"),  # noqa: E501
        ({}, {}, "training.parquet has number, small, whole, text, kind, truth, target, and no column that a deployment takes: none"),  # noqa: E501
        ({"text": "double", "a": "long"}, {}, "training.parquet has no column that is compared: text, as its values are not of the model's type double"),  # noqa: E501
        ({"text": "string", "a": "long"}, {"features": ["a"]}, "training.parquet has no column that is compared: text, as monitoring.features does not name it"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_reference_that_nothing_is_compared_with_is_refused(
    tmp_path: Path, taken: dict[str, str], more: dict[str, Any], told: str
) -> None:
    with pytest.raises(MalformedRequest) as caught:
        profiled(tmp_path, ROWS, package(**taken), **more)
    assert caught.value.message == f"monitoring.reference: {told}"


def test_features_that_no_deployment_takes_are_refused_with_those_that_one_does(tmp_path: Path) -> None:
    with pytest.raises(MalformedRequest) as caught:
        profiled(tmp_path, ROWS, package(number="double", text="string"), features=["nubmer", "text"])
    assert caught.value.message == (
        "monitoring.features names nubmer, which no deployment takes: they take number, text"
    )
    (tmp_path / "endpoint.yaml").write_text(
        "name: abc\ndeployments: {blue: {model: m}}\nmonitoring: {features: [any]}\n"
    )
    written = endpoint_file.read(tmp_path / "endpoint.yaml")
    assert reference.profiled(written.draft({"blue": REF}), written, [package()]).notes == []


LABEL, SHARES = Output(name="label", type="long"), Output(name="shares", type="float", shape=(-1, 2))


@pytest.mark.parametrize(
    ("output", "packages", "told"),
    [
        ("label", [package(LABEL, text="string"), package(SHARES)], None),
        ("late", [package(LABEL, SHARES, text="string")], "late: there are label"),
        ("shares", [package(SHARES, text="string")], "shares: there are none"),
        ("late", [package(text="string")], None),
    ],
)  # fmt: skip
def test_an_output_that_nothing_is_measured_of_is_told(
    tmp_path: Path, output: str, packages: list[ModelPackage], told: str | None
) -> None:
    asked = {"output": output, "accuracy": 0.8}
    notes = profiled(tmp_path, ROWS[["text"]], *packages, model_performance=asked).notes
    assert notes == ([f"monitoring.model_performance: no deployment answers with a column {told}"] if told else [])


def test_numbers_that_no_type_holds_do_not_count(tmp_path: Path) -> None:
    rows = f"x,y\n{2**70},1\n3,2\n"
    found = profiled(tmp_path, rows, package(x="long", y="long"), file="training.csv")
    assert list(features(found)) == ["y"]


def test_publishing_step_by_step_makes_no_profile_and_says_so(tmp_path: Path) -> None:
    profiled(tmp_path, ROWS, package(**TYPES))
    with pytest.raises(MalformedRequest, match=r"endpoint.yaml has a monitoring.reference: `slipway publish` makes"):
        read_endpoint_file(tmp_path / "endpoint.yaml", {"m": REF})


def test_a_file_without_a_reference_has_no_profile(tmp_path: Path) -> None:
    for monitoring in ("", "monitoring: {}\n", "monitoring: {reference: null}\n"):
        (tmp_path / "endpoint.yaml").write_text(f"name: abc\ndeployments: {{blue: {{model: m}}}}\n{monitoring}")
        written = endpoint_file.read(tmp_path / "endpoint.yaml")
        draft = written.draft({"blue": REF})
        assert reference.profiled(draft, written, [package(x="double")]) == Profiled(draft, [])
