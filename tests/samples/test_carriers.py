"""The package of one model a carrier: what is in it, and that each row is answered by the model of its carrier."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import yaml

from cli.publishing.direct import read_endpoint_file
from samples.flights import carriers, convert, data, sources
from samples.flights.local import BY_CARRIER, CARRIERS_FILE
from samples.flights.training import fit, split
from shared.adapters.memory import MemoryBlobs
from shared.models.mlmodel import describe
from shared.models.package import PACKAGE_FILE, ModelPackage, ModelRef, digest_of, package_path
from shared.models.scoring import predict
from shared.models.signature import Inputs
from shared.ports import Container
from tests.samples.conftest import ROOT, SAMPLE, Training
from tests.support.loading import serve

FOLDER = Path(sources.__file__).parent


@pytest.fixture(scope="module")
def package_folder(training: Training) -> Path:
    return training.out / "models" / "carriers"


@pytest.fixture(scope="module")
def package(package_folder: Path) -> ModelPackage:
    return describe(package_folder, BY_CARRIER, "1")


def test_the_carriers_with_flights_enough_have_a_model_of_their_own(
    package: ModelPackage, training: Training, flights: pd.DataFrame
) -> None:
    train_set, _ = split(flights, SAMPLE)
    count = train_set.inputs["carrier"].value_counts()
    own = {carrier for carrier in count.index if count[carrier] >= carriers.MIN_FLIGHTS}
    assert 2 < len(own) < len(count)
    assert set(package.models) == own | {carriers.DEFAULT}
    assert set(training.report.by_carrier.own) == own


def test_the_others_fall_back_to_the_model_of_all_flights(package: ModelPackage, package_folder: Path) -> None:
    assert package.segments is not None
    assert package.segments.columns == ("carrier",)
    assert package.segments.fallback == (carriers.DEFAULT,)
    assert package.segments.prefetch == ("UA", "B6")
    default = (package_folder / "models" / carriers.DEFAULT / "model.onnx").read_bytes()
    assert default == (package_folder.parent / "blue" / "model.onnx").read_bytes()


def test_all_models_share_the_signature_with_the_carrier_and_only_the_default_one_takes_it(
    package: ModelPackage, package_folder: Path
) -> None:
    assert [column.name for column in package.signature.columns] == list(data.INPUTS)
    takes = {key: {one.name for one in _session(package_folder, key).get_inputs()} for key in package.models}
    own = set(data.INPUTS) - {"carrier"}
    assert takes == dict.fromkeys(package.models, own) | {carriers.DEFAULT: set(data.INPUTS)}


def test_each_row_is_answered_by_the_model_of_its_carrier(package: ModelPackage, package_folder: Path) -> None:
    store = MemoryBlobs()
    for file in package.files:
        content = (package_folder / file.path).read_bytes()
        store.write(Container.MODELS, package_path(package.name, "1", file.path), content)
    store.write(Container.MODELS, package_path(package.name, "1", PACKAGE_FILE), package.to_bytes())
    served = serve(store, ModelRef(package.name, "1", digest_of(package.to_bytes())))
    rows = [_flight(carrier) for carrier in ("HA", "B6", "UA", "??", "B6")]
    features = served.converter(None).records(rows)
    answered = predict(served, Inputs(features, {})).outputs["late_probability"]
    expected = [
        _probability(package_folder, key, row)
        for key, row in zip(["default", "B6", "UA", "default", "B6"], rows, strict=True)
    ]
    np.testing.assert_allclose(answered, expected, rtol=1e-6)
    assert len(set(expected)) == 4  # the two of B6 are the same flight


def test_the_reference_shows_the_samples_own_segments(package_folder: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(segment_columns.*?)```", (ROOT / "docs/reference.md").read_text(), re.DOTALL)
    assert yaml.safe_load(shown) == yaml.safe_load((package_folder / "segments.yaml").read_text())


def test_the_models_of_the_carriers_beat_the_rule(training: Training) -> None:
    report = training.report
    assert report.by_carrier.quality.auc > report.rule.auc
    assert report.by_carrier.quality.log_loss < report.rule.log_loss
    assert report.by_carrier.largest_difference <= 1e-5


def test_a_sample_without_flights_enough_of_any_carrier_leaves_the_default_model_alone(
    flights: pd.DataFrame, tmp_path: Path
) -> None:
    train_set, test_set = split(flights, 500)
    of_all = convert.onnx_model(fit("blue", train_set), "blue")
    assert carriers.train(tmp_path, train_set, test_set, of_all).own == []
    package = describe(tmp_path, BY_CARRIER, "1")
    assert set(package.models) == {carriers.DEFAULT}
    assert package.segments is not None
    assert package.segments.prefetch == ()


def test_the_endpoint_is_one_that_can_be_published() -> None:
    ref = ModelRef(BY_CARRIER, "1", "sha256:" + "0" * 64)
    draft = read_endpoint_file(ROOT / CARRIERS_FILE, {f"models:/{ref}": ref})
    assert draft.name == BY_CARRIER
    assert [deployment.model.name for deployment in draft.deployments.values()] == [BY_CARRIER]


def test_the_request_asks_the_same_flight_of_three_carriers() -> None:
    request = json.loads((FOLDER / "carriers.json").read_text())["input_data"]
    rows = [dict(zip(request["columns"], row, strict=True)) for row in request["data"]]
    assert rows == [_flight(carrier) for carrier in ("UA", "B6", "HA")]


def _session(folder: Path, key: str) -> Any:
    return onnxruntime.InferenceSession(folder / "models" / key / "model.onnx")


def _flight(carrier: str) -> dict[str, Any]:
    request = json.loads((FOLDER / "request.json").read_text())["input_data"]
    return dict(zip(request["columns"], request["data"][0], strict=True)) | {"carrier": carrier}


def _probability(folder: Path, key: str, row: dict[str, Any]) -> float:
    session = _session(folder, key)
    feeds = convert.feeds(data.inputs(pd.DataFrame([row])), [one.name for one in session.get_inputs()])
    (probability,) = session.run([convert.PROBABILITY_OUTPUT], feeds)
    return float(probability[0])
