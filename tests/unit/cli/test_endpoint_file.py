"""An endpoint file as a person writes it, and everything that may be wrong with it."""

from pathlib import Path

import pytest

from cli import endpoint_file
from cli.endpoint_file import Invalid, WrittenCode, WrittenModel
from cli.publishing import templates
from shared.models.package import ModelRef
from shared.monitoring.settings import Monitoring

GOOD = """\
name: flowers
deployments:
  blue:
    model: ./model
  green:
    model: models:/iris@champion
    code_configuration: {code: src, scoring_script: score.py}
    request_settings: {max_queue: 3}
traffic: {blue: 90, green: 10}
batch:
  deployment: blue
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "endpoint.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problems(folder: Path, text: str | bytes) -> list[str]:
    path = write(folder, text)
    with pytest.raises(Invalid) as raised:
        endpoint_file.read(path)
    return [endpoint_file.told(path, each) for each in raised.value.problems]


def test_a_good_file_gives_its_models_and_with_them_a_draft(tmp_path: Path) -> None:
    found = endpoint_file.read(write(tmp_path, GOOD))
    assert found.name == "flowers"
    assert found.models == {
        "blue": WrittenModel("./model", None),
        "green": WrittenModel("models:/iris@champion", WrittenCode(code="src", scoring_script="score.py")),
    }
    refs = {name: ModelRef("iris", "3", f"sha256:{'1' * 64}") for name in found.models}
    draft = found.draft(refs)
    assert draft.deployments["green"].model.ref == refs["green"]
    assert draft.deployments["green"].request_settings.max_queue == 3
    assert draft.traffic == {"blue": 90, "green": 10}


def test_what_init_writes_is_good(tmp_path: Path) -> None:
    for name, model in (("my-endpoint", "./model"), ("yes", "models:/a/1"), ("abc", "C:\\models # 1: x")):
        found = endpoint_file.read(write(tmp_path, templates.endpoint(name, model)))
        assert (found.name, found.models["blue"].uri) == (name, model)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("max_queue: 3", "max_que: 3", "endpoint.yaml:8: deployments.green.request_settings.max_que: there is no such field: did you mean max_queue?"),  # noqa: E501
        ("max_queue: 3", "zzz: 3", "endpoint.yaml:8: deployments.green.request_settings.zzz: there is no such field"),
        ("traffic:", "trafic:", "endpoint.yaml:9: trafic: there is no such field: did you mean traffic?"),
        ("code_configuration:", "code_configurations:", "endpoint.yaml:7: deployments.green.code_configurations: there is no such field: did you mean code_configuration?"),  # noqa: E501
        ("code: src,", "", "endpoint.yaml:7: deployments.green.code_configuration.code: Field required"),
        ("name: flowers", "name: 3", "endpoint.yaml:1: name: Input should be a valid string"),
        ("name: flowers", "", "endpoint.yaml:1: name: Field required"),
        ("    model: ./model", "    worker_count: 1", "endpoint.yaml:3: deployments.blue.model: a deployment needs a model: a folder, an .onnx file, or models:/name/version"),  # noqa: E501
        ("green: 10", "green: 11", "endpoint.yaml:1: traffic adds up to 101, but it must be 0 or 100"),
        ("deployment: blue", "deployment: red", "endpoint.yaml:1: batch.deployment names 'red', which is not a deployment"),  # noqa: E501
        ("max_queue: 3", "max_queue: many", "endpoint.yaml:8: deployments.green.request_settings.max_queue: Input should be a valid integer, unable to parse string as an integer"),  # noqa: E501
        ("name: flowers", "name: flowers\nname: trees", "endpoint.yaml:2: name: is there twice: leave one of them"),
        ("traffic: {", "traffic: [", "endpoint.yaml:9: this is not YAML: expected ',' or ']', but got '}'"),
        (GOOD, "just text", "endpoint.yaml:1: an endpoint file has fields, such as name and deployments"),
        (GOOD, "", "endpoint.yaml:1: an endpoint file has fields, such as name and deployments"),
        (GOOD, "name: abc\ndeployments: 3", "endpoint.yaml:2: deployments: Input should be a valid dictionary"),
        (GOOD, "name: abc\ndeployments:\n  blue: 3", "endpoint.yaml:3: deployments.blue: Input should be a valid dictionary or instance of Deployment"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line_and_a_way_out(tmp_path: Path, before: str, after: str, told: str) -> None:
    assert before in GOOD
    assert problems(tmp_path, GOOD.replace(before, after, 1)) == [told]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("./gone.csv", "gone.csv cannot be read: No such file or directory"),
        ("./folder.csv", "folder.csv cannot be read: Is a directory"),
        ("./endpoint.yaml", "endpoint.yaml is no table: give one in a file named .csv, .parquet, .jsonl, .ndjson"),
        (
            "{rows: 1, features: {}}",
            "name a table, such as ./training.parquet: `slipway publish` makes a profile of it",
        ),
        ("3", "name a table, such as ./training.parquet: `slipway publish` makes a profile of it"),
    ],
)
def test_a_reference_is_a_table_that_is_there(tmp_path: Path, reference: str, told: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    text = f"{GOOD}monitoring:\n  min_rows: 3\n  reference: {reference}\n"
    assert problems(tmp_path, text) == [
        "endpoint.yaml:13: monitoring.min_rows: Input should be greater than or equal to 100",
        f"endpoint.yaml:14: monitoring.reference: {told}",
    ]


def test_a_reference_is_found_beside_the_file_and_is_no_part_of_the_draft(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("")
    found = endpoint_file.read(write(tmp_path, f"{GOOD}monitoring: {{min_rows: 100, reference: rows.csv}}\n"))
    assert found.reference == tmp_path / "rows.csv"
    draft = found.draft(dict.fromkeys(found.models, ModelRef("iris", "3", f"sha256:{'1' * 64}")))
    assert draft.monitoring == Monitoring(min_rows=100)


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = GOOD.replace("./model", "''").replace("max_queue", "max_que").replace("deployment: blue", "size: 3")
    assert [each.split(":")[1] for each in problems(tmp_path, text)] == ["4", "8", "11"]


def test_a_file_that_cannot_be_read_is_told_so(tmp_path: Path) -> None:
    assert problems(tmp_path, b"\xff\xfe") == ["endpoint.yaml: is not text in UTF-8"]
    assert problems(tmp_path, b"x" * 1_000_001) == [
        "endpoint.yaml: is larger than 1000000 bytes, which no endpoint file is"
    ]
    with pytest.raises(Invalid, match=r"endpoint\.yaml: is not there: `slipway init` writes one"):
        endpoint_file.read(tmp_path / "none" / "endpoint.yaml")
    with pytest.raises(Invalid, match="Is a directory"):
        endpoint_file.read(tmp_path)
