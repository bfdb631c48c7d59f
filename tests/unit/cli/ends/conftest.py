"""A team's folder in which every line of `lines.py` could do its work, if there were an app."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cli.credentials import TOKEN_VARIABLE
from tests.app.cli.running import Ended, Slipway, running

TOKEN = "of-nobody"
FILES = {
    "endpoint.yaml": "name: flowers\ndeployments:\n  blue: {model: ./model}\ntraffic: {blue: 100}\n",
    "request.json": '{"input_data": []}',
    "truth.csv": "request_id,row,ground_truth\n0b7d,0,1\n",
    "answers.yaml": "requests_per_day: 200\n",
    "azureml.yml": (
        "$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json\nname: flowers\n"
        "auth_mode: aad_token\n"
    ),
}


type Profiles = Callable[..., None]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place where commands run."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    for name in ("SLIPWAY_PROFILES", "SLIPWAY_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    return tmp_path


@pytest.fixture
def profiles(folder: Path) -> Profiles:
    """Writes slipway.yaml: both of its environments are the same."""

    def write(app_url: str = "http://127.0.0.1:9", **fields: str) -> None:
        storage = "UseDevelopmentStorage=true"
        profile = {"app_url": app_url, "storage": storage, **fields}
        document = {"default": "dev", "profiles": {"dev": profile, "dev2": profile}}
        (folder / "slipway.yaml").write_text(yaml.safe_dump(document))

    return write


@pytest.fixture
def slipway(capsysbinary: pytest.CaptureFixture[bytes]) -> Slipway:
    return running(capsysbinary)


def line(ended: Ended) -> str:
    """The one line that a command has ended with; nothing but the reason is in it."""
    assert ended.out == ""
    assert (ended.err.count("\n"), ended.err[:9]) == (1, "slipway: "), ended.err
    for leaked in ("Traceback", "/cli/", "/shared/", "site-packages", "None", TOKEN):
        assert leaked not in ended.err, ended.err
    return ended.err.removeprefix("slipway: ").removesuffix("\n")


def document(ended: Ended) -> dict[str, str]:
    """The same, as a program is told it."""
    assert ended.out == ""
    told = json.loads(ended.err)
    assert set(told) == {"error"}
    assert set(told["error"]) == {"code", "message"}
    return dict(told["error"])
