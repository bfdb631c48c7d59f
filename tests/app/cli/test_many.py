"""Very many models published as one package: each row finds its own, and only what changed is uploaded again."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from tests.app.cli.running import Slipway
from tests.app.packages import save_times

ROWS = {"columns": ["carrier", "x"], "data": [["UA", 1.0], ["AA", 2.0], ["UA", 3.0], ["B6", 4.0]]}


@pytest.fixture
def carriers(folder: Path, slipway: Slipway, endpoint: str) -> Path:
    """A folder of three models by carrier, beside an endpoint file that names it."""
    for carrier, factor in {"UA": 2.0, "AA": 10.0, "B6": 100.0}.items():
        save_times(folder / "carriers" / f"carrier={carrier}", factor)
    (folder / "rows.json").write_text(json.dumps({"input_data": ROWS}))
    assert slipway("init", "--name", endpoint, "--model", "./carriers").code == 0
    return folder / "carriers"


def answers(slipway: Slipway, endpoint: str, version: int) -> Any:
    """Once that version serves: until it is loaded, the one before does."""
    for _ in range(300):
        scored = slipway("score", endpoint, "rows.json")
        if f"x-slipway-model: {endpoint}-blue/{version}" in scored.err:
            return json.loads(scored.out)
        time.sleep(0.1)
    raise AssertionError(scored)


def stored(account: BlobServiceClient, endpoint: str, version: int) -> set[str]:
    prefix = f"{endpoint}-blue/{version}/"
    names = account.get_container_client("models").list_blob_names(name_starts_with=prefix)
    return {name.removeprefix(prefix) for name in names}


def test_rows_find_their_model_and_only_what_changed_is_uploaded(
    slipway: Slipway, carriers: Path, endpoint: str, account: BlobServiceClient
) -> None:
    assert slipway("publish", "--partition-by", "carrier").code == 0
    assert answers(slipway, endpoint, 1) == [2.0, 20.0, 6.0, 400.0]
    all_of_them = {f"models/{carrier}/{file}" for carrier in ("UA", "AA", "B6") for file in ("MLmodel", "model.onnx")}
    assert stored(account, endpoint, 1) == {*all_of_them, "segments.yaml", "package.json"}
    assert slipway("publish", "--partition-by", "carrier").out.endswith("nothing to publish\n")

    (carriers / "carrier=AA" / "model.onnx").unlink()
    save_times(carriers.parent / "other", 50.0)
    (carriers.parent / "other" / "model.onnx").rename(carriers / "carrier=AA" / "model.onnx")
    told = slipway("publish", "--partition-by", "carrier")
    assert "of the 3 models of blue, 1 are new; 1 load\n" in told.out
    assert stored(account, endpoint, 2) == {"models/AA/model.onnx", "package.json"}
    assert answers(slipway, endpoint, 2) == [2.0, 100.0, 6.0, 400.0]

    save_times(carriers / "carrier=WN", 7.0)
    assert slipway("publish", "--partition-by", "carrier").code == 0
    assert stored(account, endpoint, 3) == {"models/WN/MLmodel", "models/WN/model.onnx", "package.json"}
    assert answers(slipway, endpoint, 3) == [2.0, 100.0, 6.0, 400.0]


def test_an_earlier_package_is_found_again_whatever_came_after_it(
    slipway: Slipway, carriers: Path, endpoint: str
) -> None:
    graph = carriers / "carrier=AA" / "model.onnx"
    before = graph.read_bytes()
    assert slipway("publish", "--partition-by", "carrier").code == 0
    save_times(carriers.parent / "other", 50.0)
    graph.write_bytes((carriers.parent / "other" / "model.onnx").read_bytes())
    assert slipway("publish", "--partition-by", "carrier", "--json").document["models"]["blue"]["version"] == "2"
    graph.write_bytes(before)
    again = slipway("publish", "--partition-by", "carrier", "--json").document
    assert (again["published"], again["models"]["blue"]["version"], again["models"]["blue"]["uploaded"]) == (
        3,
        "1",
        False,
    )


def test_a_model_of_many_that_does_not_load_is_told_by_its_key(
    slipway: Slipway, carriers: Path, endpoint: str, account: BlobServiceClient
) -> None:
    (carriers / "carrier=B6" / "model.onnx").write_bytes(b"no graph")
    refused = slipway("publish", "--partition-by", "carrier")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert refused.err.startswith("slipway: the model of deployment blue cannot be served: B6: ")
    assert not stored(account, endpoint, 1)


def test_columns_without_many_models_are_refused(slipway: Slipway, folder: Path, endpoint: str) -> None:
    assert slipway("init", "--name", endpoint).code == 0
    refused = slipway("publish", "--partition-by", "carrier")
    assert (refused.code, refused.out) == (1, "")
    assert "--partition-by needs a deployment whose model is a folder of models" in refused.err


def test_many_models_without_columns_are_refused(slipway: Slipway, carriers: Path) -> None:
    refused = slipway("publish")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "slipway: ./carriers holds many models: say which columns pick one, with --partition-by\n"
