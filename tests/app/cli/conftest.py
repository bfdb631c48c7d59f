"""The command line against the whole app, in a team's folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from azure.storage.blob import BlobServiceClient

from devhost.host_process import HostProcess
from devhost.stack import Stack
from samples.flights.local import write_profile
from tests.app.cli.running import Slipway, running
from tests.app.client import Client


@pytest.fixture
def folder(
    client: Client, account: BlobServiceClient, tmp_path: Path, iris_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A team's folder: a model, an endpoint file, and the profile of the stack; the place where commands run."""
    write_profile(client.stack, tmp_path / "slipway.yaml")
    shutil.copytree(iris_folder, tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    for name in ("SLIPWAY_PROFILES", "SLIPWAY_PROFILE", "SLIPWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def slipway(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Slipway:
    return running(capsysbinary)


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> str:
    """A name of its own for each test."""
    return f"cli-{abs(hash(request.node.name)) % 10**8}"


@pytest.fixture
def published(slipway: Slipway, endpoint: str) -> str:
    assert slipway("init", "--name", endpoint).code == 0
    assert slipway("publish").code == 0
    return endpoint


@pytest.fixture(scope="package")
def prod_app(stack: Stack) -> Iterator[HostProcess]:
    """A second app, on a data account of its own."""
    host = stack.another_host("prod", {"SLIPWAY_DATA": stack.azurite.connection_string_of("prod")})
    host.start()
    yield host
    host.stop()


@pytest.fixture
def prod(stack: Stack, prod_app: HostProcess, folder: Path) -> Iterator[BlobServiceClient]:
    """The data account of the profile prod; `staging`, which commands use without a profile, is the stack's own."""
    path = folder / "slipway.yaml"
    staging = yaml.safe_load(path.read_text())["profiles"]["local"]
    storage = stack.azurite.connection_string_of("prod")
    profiles = {"staging": staging, "prod": {**staging, "app_url": prod_app.url, "storage": storage}}
    path.write_text(yaml.safe_dump({"default": "staging", "profiles": profiles}))
    with BlobServiceClient.from_connection_string(storage) as account:
        yield account
