"""Golden requests as files: recorded, read, and told what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.errors import CommandError
from cli.publishing import golden
from cli.publishing.golden import Golden, Protocol

DOCUMENT: dict[str, Any] = {"schema_version": 1, "protocol": "mlflow", "request": {"inputs": [1]}, "response": [2.5]}
AGAIN = "golden/a.json is no golden request, record it again with `slipway score … --record`: "


def write(folder: Path, text: str) -> None:
    (folder / "golden").mkdir()
    (folder / "golden" / "a.json").write_text(text)


def test_what_is_recorded_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "golden" / "two-rows.json"
    golden.record(path, Protocol.OIP, "UA/EWR", b'{"inputs": [1.0, "\xc3\xbc"]}', b'{"outputs": [null]}')
    expected = Golden(
        schema_version=1,
        protocol=Protocol.OIP,
        content_type="application/json",
        model="UA/EWR",
        request={"inputs": [1.0, "ü"]},
        response={"outputs": [None]},
    )
    assert golden.read_all(None, tmp_path) == {"golden/two-rows.json": expected}
    assert golden.read_all(path.parent, Path("elsewhere")) == {"golden/two-rows.json": expected}


def test_there_need_be_no_golden_request(tmp_path: Path) -> None:
    assert golden.read_all(None, tmp_path) == {}


def test_a_folder_that_is_named_holds_golden_requests(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="gone is no folder"):
        golden.read_all(tmp_path / "gone", tmp_path)
    with pytest.raises(CommandError, match="holds no golden request"):
        golden.read_all(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is no JSON object"),
        (json.dumps({**DOCUMENT, "schema_version": 2}), "schema_version: Input should be 1"),
        (json.dumps({**DOCUMENT, "protocol": "grpc"}), "protocol: Input should be 'azureml', 'mlflow' or 'oip'"),
        (json.dumps({"schema_version": 1, "protocol": "oip", "request": {}}), "response: Field required"),
        (json.dumps({**DOCUMENT, "status": 200}), "status: Extra inputs are not permitted"),
    ],
)
def test_a_broken_file_is_told_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    write(tmp_path, text)
    with pytest.raises(CommandError) as caught:
        golden.read_all(None, tmp_path)
    message = caught.value.message
    if reason == "it is no JSON object":
        assert message.startswith(AGAIN)
        assert "\n" not in message
    else:
        assert message == AGAIN + reason


@pytest.mark.parametrize(
    ("name", "content_type", "body", "message"),
    [
        ("a.txt", "application/json", b"{}", "give it a name that ends in .json"),
        ("a.json", "text/csv", b"a\n1\n", "a request of text/csv cannot be recorded: write it as JSON"),
        ("a.json", "application/json", b"{NaN", "the request is not JSON, and cannot be recorded"),
        ("there.json", "application/json", b"{}", "there.json is there already: use --force to record it anew"),
    ],
)
def test_what_cannot_be_recorded_is_told_before_the_endpoint_is_asked(
    tmp_path: Path, name: str, content_type: str, body: bytes, message: str
) -> None:
    (tmp_path / "there.json").write_text("{}")
    with pytest.raises(CommandError, match=message):
        golden.check_recordable(tmp_path / name, content_type, body, force=False)
    golden.check_recordable(tmp_path / "there.json", "application/json", b"{}", force=True)


def test_an_answer_that_is_no_json_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="the answer is not JSON, and cannot be recorded"):
        golden.record(tmp_path / "a.json", Protocol.OIP, None, b"{}", b'{"outputs": []}\x00\x01')
    assert not list(tmp_path.iterdir())
