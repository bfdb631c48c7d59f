"""What foreign code would run in, told over HTTP, and models that run code refused from elsewhere."""

import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import requests
from azure.storage.blob import BlobServiceClient

from cli.publishing import packages
from shared.models.package import ModelRef, Origin
from tests.app.client import Client
from tests.app.packages import CODE, save_script
from tests.support import endpoint

MANAGE, READ = "Endpoint.Manage", "Endpoint.Read"


@pytest.fixture
def script(account: BlobServiceClient, tmp_path: Path) -> Callable[[str, str], ModelRef]:
    """Uploads a score.py as a model of this name, from there."""

    def do(name: str, resolved: str) -> ModelRef:
        save_script(tmp_path)
        found = packages.find(tmp_path, name, "1", account, CODE, Origin(uri="as written", resolved=resolved))
        return packages.upload(tmp_path, found, account, lambda size_bytes: None)

    return do


@pytest.mark.parametrize("role", [READ, MANAGE])
def test_the_app_and_its_virtual_environments_tell_their_python_and_packages(client: Client, role: str) -> None:
    told = client.ask("GET", "/environments", role).json()
    own, old = told["value"]
    assert (own["name"], own["python"]) == ("", platform.python_version())
    assert own["packages"]["mlflow-skinny"] == version("mlflow-skinny")
    packages = {"scikit-learn": "0.1", "mlflow-skinny": version("mlflow")}
    assert old == {"name": "old-sklearn", "python": platform.python_version(), "packages": packages}
    assert told["code_sources"] == []


def test_they_are_for_those_who_hold_a_role_of_management(client: Client) -> None:
    assert client.ask("GET", "/environments").status_code == 401
    assert client.ask("GET", "/environments", "Endpoint.Score").status_code == 403
    assert client.ask("POST", "/environments", MANAGE).status_code == 405


def test_a_model_that_runs_code_is_taken_from_where_the_setting_says(
    client: Client, strict: str, script: Callable[[str, str], ModelRef]
) -> None:
    def published(ref: ModelRef) -> requests.Response:
        headers = {"Authorization": f"Bearer {client.token(MANAGE)}"}
        draft = endpoint.draft(ref, name="sourced").model_dump(mode="json")
        return requests.post(f"{strict}/endpoints/sourced/revisions", json=draft, headers=headers, timeout=30)

    reply = published(script("sourced-here", ""))
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "SourceNotAllowed")
    assert reply.json()["error"]["message"] == (
        "deployment 'blue': its model runs code, which SLIPWAY_CODE_SOURCES of the app takes from models:/ alone; "
        "it is from file:"
    )
    taken = published(script("sourced", "models:/sourced/1"))
    # So the refused one has left nothing behind.
    assert (taken.status_code, taken.json()["revision"]["number"]) == (201, 1)


def test_there_is_no_way_back_to_a_model_from_elsewhere(
    client: Client, strict: str, script: Callable[[str, str], ModelRef]
) -> None:
    for name, resolved in (("back-here", ""), ("back", "models:/back/1")):
        draft = endpoint.draft(script(name, resolved), name="back").model_dump(mode="json")
        assert client.ask("POST", "/endpoints/back/revisions", MANAGE, json=draft).status_code == 201
    headers = {"Authorization": f"Bearer {client.token(MANAGE)}"}
    address = f"{strict}/endpoints/back/rollback"
    reply = requests.post(address, json={"revision": 1}, headers=headers, timeout=30)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "SourceNotAllowed")
    assert client.ask("POST", "/endpoints/back/rollback", MANAGE, json={"revision": 1}).status_code == 200
