"""A reference in an endpoint file: published as a profile, and carried on as it is."""

from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from tests.app.cli.running import Ended, Slipway
from tests.support import iris

MONITORING = "monitoring: {min_rows: 100, reference: ./training.csv}\n"


@pytest.fixture
def watched(slipway: Slipway, folder: Path, endpoint: str) -> str:
    """The name of an endpoint whose file names a table of all flowers as its reference."""
    assert slipway("init", "--name", endpoint).code == 0
    (folder / "training.csv").write_bytes(iris.csv(150))
    with (folder / "endpoint.yaml").open("a") as file:
        file.write(MONITORING)
    return endpoint


def profile(slipway: Slipway, endpoint: str, *options: str) -> Any:
    return slipway("show", endpoint, "--json", *options).document["revision"]["monitoring"]["reference"]


def test_a_reference_is_published_as_a_profile_and_the_same_again_changes_nothing(
    slipway: Slipway, folder: Path, watched: str
) -> None:
    assert slipway("validate").code == 0
    told = slipway("publish", "--dry-run").out.splitlines()
    (line,) = [each for each in told if "reference" in each]
    assert line.startswith("+ monitoring.reference: 150 rows of 4 columns (")
    assert slipway("publish").out.endswith(f"published {watched}, revision 1\n")
    found = profile(slipway, watched)
    assert (found["rows"], set(found["features"])) == (150, set(iris.COLUMNS))
    assert all(sum(each["counts"]) == 150 for each in found["features"].values())
    assert slipway("publish").out == f"{watched} is as its file says: nothing to publish\n"
    assert slipway("show", watched).out.count("\n") == 3

    (folder / "training.csv").write_bytes(iris.csv(149))
    (change,) = slipway("publish", "--json").document["changes"]
    assert (change["field"], change["after"][:21]) == ("monitoring.reference", "149 rows of 4 columns")
    assert profile(slipway, watched)["rows"] == 149


def test_what_of_a_reference_does_not_count_is_told(slipway: Slipway, folder: Path, watched: str) -> None:
    text = (folder / "training.csv").read_text()
    (folder / "training.csv").write_text(text.replace("petal_width", "label").replace("sepal_width", "id"))
    document = slipway("publish", "--dry-run", "--json").document
    assert document["notes"] == [
        "left out of training.csv: id, label, as no deployment takes it",
        "training.csv does not have sepal_width, petal_width: compared with the first window instead",
    ]
    assert f"! {document['notes'][0]}" in slipway("publish", "--dry-run").out.splitlines()


def test_a_reference_of_other_things_or_none_is_refused_before_anything_is_uploaded(
    slipway: Slipway, folder: Path, watched: str, account: BlobServiceClient
) -> None:
    table = folder / "training.csv"
    table.write_text("a,b\n1,2\n")
    columns = ", ".join(iris.COLUMNS)
    told = f"monitoring.reference: training.csv has a, b, and no column that a deployment takes: {columns}"
    assert slipway("publish") == Ended(1, "", f"slipway: {told}\n")
    table.write_text("a,b\n")
    assert slipway("publish").err == "slipway: training.csv holds no rows\n"
    table.unlink()
    line = (folder / "endpoint.yaml").read_text().count("\n")
    told = f"endpoint.yaml:{line}: monitoring.reference: training.csv cannot be read: No such file or directory\n"
    assert slipway("publish") == Ended(1, "", f"slipway: {told}")
    assert slipway("validate") == Ended(1, told, "")
    assert not list(account.get_container_client("models").list_blob_names(name_starts_with=f"{watched}-blue/"))


def test_a_promotion_carries_the_profile_on_and_a_file_brings_its_own(
    slipway: Slipway, folder: Path, prod: BlobServiceClient, watched: str
) -> None:
    assert slipway("publish").code == 0
    (folder / "training.csv").unlink()
    promote = ("promote", watched, "--from", "staging", "--to", "prod")
    assert slipway(*promote).code == 0
    assert profile(slipway, watched, "-p", "prod") == profile(slipway, watched)
    assert slipway(*promote).out.endswith("nothing to promote\n")

    (folder / "training.csv").write_bytes(iris.csv(120))
    document = slipway(*promote, "--file", "endpoint.yaml", "--json").document
    assert [each["field"] for each in document["changes"]] == ["monitoring.reference"]
    assert profile(slipway, watched, "-p", "prod")["rows"] == 120
    assert slipway(*promote, "--file", "endpoint.yaml").out.endswith("nothing to promote\n")
