"""Golden requests: recorded of an endpoint, and asked of each new model before it is published."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from tests.app.cli.running import Ended, Slipway
from tests.app.packages import save_many, save_script, save_times

BODIES: dict[str, Any] = {
    "azureml": {"input_data": {"columns": ["x"], "data": [[1.0], [2.5]]}},
    "mlflow": {"dataframe_records": [{"x": 1.0}, {"x": 2.5}]},
    "oip": {"inputs": [{"name": "x", "shape": [2], "datatype": "FP64", "data": [1.0, 2.5]}]},
}
SCRIPT = (
    "import json, os\ndef init(): os.environ['TIMES']\n"
    "def run(raw):\n    return {'n': json.loads(raw)['n'] * FACTOR, 'unit': 'min'}\n"
)


@pytest.fixture
def times(folder: Path) -> Callable[..., None]:
    """Makes the model of the folder one that multiplies."""

    def save(factor: float, *columns: str) -> None:
        shutil.rmtree(folder / "model")
        save_times(folder / "model", factor, *columns)

    return save


@pytest.fixture
def doubling(times: Callable[..., None], slipway: Slipway, endpoint: str) -> str:
    """An endpoint's name."""
    times(2.0)
    assert slipway("init", "--name", endpoint).code == 0
    assert slipway("publish").code == 0
    return endpoint


@pytest.fixture
def recorded(doubling: str, slipway: Slipway, folder: Path) -> str:
    """The name of `doubling`, with a golden request in each protocol."""
    for protocol, body in BODIES.items():
        record(slipway, folder, doubling, body, f"golden/{protocol}.json", "--protocol", protocol)
    return doubling


def record(slipway: Slipway, folder: Path, endpoint: str, body: Any, path: str, *options: str) -> None:
    (folder / "request.json").write_text(json.dumps(body))
    told = slipway("score", endpoint, "request.json", "--record", path, *options)
    assert told.code == 0, told.err
    assert f"recorded {path}" in told.err


def asked(ended: Ended) -> Any:
    return ended.document["golden"]["asked"]["blue"]


def test_a_recording_holds_request_and_answer(recorded: str, folder: Path) -> None:
    answers = {each: json.loads((folder / f"golden/{each}.json").read_text()) for each in BODIES}
    assert {each: answers[each]["request"] for each in BODIES} == BODIES
    assert answers["azureml"] == {
        "schema_version": 1,
        "protocol": "azureml",
        "model": None,
        "request": BODIES["azureml"],
        "response": [2.0, 5.0],
    }
    assert answers["mlflow"]["response"] == {"predictions": [{"y": 2.0}, {"y": 5.0}]}
    assert answers["oip"]["response"]["outputs"][0]["data"] == [2.0, 5.0]


def test_what_was_refused_or_is_there_is_not_recorded(recorded: str, slipway: Slipway, folder: Path) -> None:
    (folder / "request.json").write_text('{"nothing": 1}')
    for protocol in BODIES:
        refused = slipway("score", recorded, "request.json", "--protocol", protocol, "--record", "golden/new.json")
        assert (refused.code, refused.err.count("\n"), "answers" in refused.err) == (1, 1, False)
    assert not (folder / "golden/new.json").exists()
    there = slipway("score", recorded, "request.json", "--record", "golden/oip.json")
    assert (there.code, there.err) == (
        1, "slipway: golden/oip.json is there already: use --force to record it anew\n"
    )  # fmt: skip
    record(slipway, folder, recorded, BODIES["azureml"], "golden/oip.json", "--force")
    assert json.loads((folder / "golden/oip.json").read_text())["protocol"] == "azureml"


def test_an_answer_in_binary_is_refused(doubling: str, slipway: Slipway, folder: Path) -> None:
    (folder / "request.json").write_text(json.dumps({**BODIES["oip"], "parameters": {"binary_data_output": True}}))
    told = slipway("score", doubling, "request.json", "--protocol", "oip", "--record", "a.json")
    assert told.err == "slipway: the answer is not JSON, and cannot be recorded\n"


def test_a_model_with_the_same_answers_is_told_so_in_every_protocol(
    recorded: str, slipway: Slipway, folder: Path
) -> None:
    (folder / "model" / "note.txt").write_text("changed")
    told = slipway("publish", "--strict").out.splitlines()
    assert [line for line in told if "golden/" in line] == [
        f"blue answers golden/{each}.json as it was recorded" for each in BODIES
    ]
    assert told[-1] == f"published {recorded}, revision 2"
    again = slipway("publish", "--strict").out.splitlines()
    assert again[0] == "blue was not asked the golden requests: it keeps its model"
    (folder / "model" / "note.txt").unlink()
    back = slipway("publish", "--strict").out.splitlines()  # its package is there, but not in use
    assert "blue answers golden/azureml.json as it was recorded" in back


def test_a_model_with_other_answers_is_told_with_the_numbers_and_published(
    recorded: str, slipway: Slipway, times: Callable[..., None]
) -> None:
    times(2.2)
    told = slipway("publish").out.splitlines()
    assert [line for line in told if "golden/" in line] == [
        "! blue answers golden/azureml.json otherwise in 2 values, the largest at [1]: 5.0 → 5.5, by 0.5",
        "! blue answers golden/mlflow.json otherwise in 2 values, the largest at predictions[1].y: 5.0 → 5.5, by 0.5",
        "! blue answers golden/oip.json otherwise in 2 values, the largest at outputs[0].data[1]: 5.0 → 5.5, by 0.5",
    ]
    assert told[-1] == f"published {recorded}, revision 2"


def test_the_gate_leaves_endpoint_and_storage_as_they_were(
    recorded: str, slipway: Slipway, times: Callable[..., None], account: BlobServiceClient
) -> None:
    times(2.2)
    for options in ((), ("--dry-run",)):
        ended = slipway("publish", "--strict", *options)
        assert (ended.code, ended.err) == (
            1,
            "slipway: nothing was published, callers may stumble (golden requests that are not answered as before: "
            "3): mend the model, or leave --strict out\n",
        )
        assert ended.out.splitlines()[-1] == f"did not publish {recorded}; nothing was changed"
    ended = slipway("publish", "--strict", "--json")
    assert (ended.code, json.loads(ended.err)["error"]["code"]) == (1, "BreakingChange")
    assert (ended.document["published"], [each["same"] for each in asked(ended)]) == (None, [False] * 3)
    assert asked(ended)[0]["largest"] == {"at": "[1]", "told": "5.0 → 5.5", "by": 0.5}
    assert slipway("show", recorded, "--json").document["head"]["revision"] == 1
    assert not list(account.get_container_client("models").list_blobs(name_starts_with=f"{recorded}-blue/2/"))


def test_a_model_that_refuses_the_request_is_told_with_the_reason(
    recorded: str, slipway: Slipway, times: Callable[..., None]
) -> None:
    times(2.0, "carrier")
    ended = slipway("publish", "--strict", "--json")
    assert json.loads(ended.err)["error"]["message"].startswith(
        "nothing was published, callers may stumble (breaking changes: 1, golden requests that are not answered as "
        "before: 3)"
    )
    assert ["carrier" in each["refused"] for each in asked(ended)] == [True] * 3
    told = slipway("publish", "--dry-run").out
    assert "! blue refuses golden/azureml.json: " in told
    assert f"would publish {recorded}; nothing was changed" in told


def test_deployments_that_are_not_tried_are_told(
    recorded: str, slipway: Slipway, folder: Path, times: Callable[..., None]
) -> None:
    times(2.2)
    told = slipway("publish", "--dry-run", "--no-trial", "--json").document["golden"]
    assert told == {"asked": {}, "left_out": {"blue": "--no-trial"}}
    file = folder / "endpoint.yaml"
    file.write_text(file.read_text().replace("model: ./model", "model: ./model\n    environment: other"))
    told = slipway("publish", "--dry-run", "--json").document["golden"]
    assert told["left_out"] == {"blue": "it runs in an environment of the app's"}


def test_a_broken_golden_file_is_told_before_anything_is_uploaded(
    recorded: str, slipway: Slipway, folder: Path, account: BlobServiceClient
) -> None:
    (folder / "golden" / "oip.json").write_text("{")
    (folder / "model" / "note.txt").write_text("changed")
    ended = slipway("publish")
    assert (ended.code, ended.err.count("\n"), ended.out) == (1, 1, "")
    assert ended.err.startswith("slipway: golden/oip.json is no golden request, ")
    assert not list(account.get_container_client("models").list_blobs(name_starts_with=f"{recorded}-blue/2/"))


def test_a_score_py_is_asked_as_well(slipway: Slipway, folder: Path, endpoint: str) -> None:
    def write(factor: str) -> None:
        save_script(folder / "scripted", SCRIPT.replace("FACTOR", factor))

    (folder / "endpoint.yaml").write_text(
        f"name: {endpoint}\ndeployments:\n  blue:\n    model: ./scripted/model\n    code_configuration: "
        "{code: scripted/code, scoring_script: score.py}\n"
        "    environment_variables: {TIMES: '2'}\ntraffic: {blue: 100}\n"
    )
    write("int(os.environ['TIMES'])")
    assert slipway("publish").code == 0
    record(slipway, folder, endpoint, {"n": 21}, "golden/minutes.json")
    write("3")
    told = slipway("publish").out
    assert "! blue answers golden/minutes.json otherwise in n: 42 → 63, by 21\n" in told
    write("nobody")
    (outcome,) = asked(slipway("publish", "--json"))
    assert outcome["refused"].startswith("the score.py answers with status 500: ")


@pytest.fixture
def many(folder: Path) -> Callable[..., None]:
    """Makes the model of the folder a package of many, whose models multiply."""

    def save(segments: str, *columns: str, **factors: float) -> None:
        shutil.rmtree(folder / "model")
        save_many(folder / "model", segments, factors, *columns)

    return save


def test_a_package_of_many_models_is_asked_by_its_columns(
    slipway: Slipway, folder: Path, endpoint: str, many: Callable[..., None]
) -> None:
    mixed = {"input_data": {"columns": ["carrier", "x"], "data": [["UA", 1.0], ["AA", 2.0]]}}
    many("segment_columns: [carrier]\n", "carrier", UA=2.0, AA=10.0)
    assert slipway("init", "--name", endpoint).code == 0
    assert slipway("publish").code == 0
    record(slipway, folder, endpoint, mixed, "columns/mixed.json")
    many("segment_columns: [carrier]\n", "carrier", UA=2.0, AA=11.0)
    told = slipway("publish", "--golden", "columns").out
    assert "! blue answers columns/mixed.json otherwise in [1]: 20.0 → 22.0, by 2\n" in told
    many("segment_columns: [carrier]\n", "carrier", AA=11.0)
    assert "UA" in asked(slipway("publish", "--golden", "columns", "--json"))[0]["refused"]


def test_a_package_of_many_models_is_asked_by_name(
    slipway: Slipway, folder: Path, endpoint: str, many: Callable[..., None]
) -> None:
    many("segment_columns: []\n", double=2.0, tenfold=10.0)
    assert slipway("init", "--name", endpoint).code == 0
    assert slipway("publish").code == 0
    by_name = ("--protocol", "mlflow", "--model", "tenfold")
    record(slipway, folder, endpoint, BODIES["mlflow"], "golden/tenfold.json", *by_name)
    assert json.loads((folder / "golden/tenfold.json").read_text())["model"] == "tenfold"
    many("segment_columns: []\n", double=2.5, tenfold=10.0)
    assert asked(slipway("publish", "--json"))[0]["same"]
    many("segment_columns: []\n", double=10.0)
    assert asked(slipway("publish", "--json"))[0]["refused"] == "this deployment has no model of that name"
