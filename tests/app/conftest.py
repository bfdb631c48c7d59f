"""The whole app on a real stack: Azurite, token issuer, host; the endpoint `flowers` with the iris model."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from cli.publishing.direct import publish_revision, upload_model
from devhost.stack import Stack
from shared.models.package import CodeConfiguration, ModelRef
from tests.app.client import AUDIENCE, Client
from tests.support import endpoint, virtual

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(ROOT, tmp_path_factory.mktemp("app"), extra_accounts=("prod",))
    environments = tmp_path_factory.mktemp("environments")
    virtual.make(environments / "old-sklearn", {"scikit-learn": "0.1", "mlflow-skinny": version("mlflow")})
    made.settings.update(
        {
            "SLIPWAY_DATA": made.connection_string,
            "SLIPWAY_TENANT_ID": made.tenant,
            "SLIPWAY_AUDIENCES": AUDIENCE,
            "SLIPWAY_LOCAL_ISSUER": made.issuer_url,
            "SLIPWAY_TICK_SCHEDULE": "* * * * * *",
            "SLIPWAY_HEARTBEAT_TIMEOUT_S": "5",
            "SLIPWAY_MAX_BODY_BYTES": "200000",
            "SLIPWAY_PUBLIC_HOSTS": "door.example.org",
            "SLIPWAY_ENVIRONMENTS": str(environments),
        }
    )
    with made:
        yield made


@pytest.fixture(scope="module")
def strict(stack: Stack) -> Iterator[str]:
    """The address of a host that takes models that run code from a registry alone."""
    host = stack.another_host("strict", {"SLIPWAY_CODE_SOURCES": "models:/", "SLIPWAY_TICK_SCHEDULE": "0 0 0 1 1 *"})
    host.start()
    yield host.url
    host.stop()


@pytest.fixture(scope="session")
def client(stack: Stack) -> Client:
    return Client(stack)


@pytest.fixture(scope="session")
def account(stack: Stack) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(stack.connection_string) as account:
        with suppress(ResourceExistsError):  # a test without this fixture may have been before
            account.create_container("inbox")
        yield account


@pytest.fixture(scope="session")
def iris_ref(account: BlobServiceClient, iris_folder: Path) -> ModelRef:
    return upload_model(iris_folder, "iris", "1", account, progress=lambda size_bytes: None)


@pytest.fixture(scope="session")
def upload(account: BlobServiceClient) -> Callable[..., ModelRef]:
    """Uploads a folder as a new model, with `code` that of a score.py."""

    def do(folder: Path, name: str, version: str = "1", code: CodeConfiguration | None = None) -> ModelRef:
        return upload_model(folder, name, version, account, lambda size_bytes: None, code)

    return do


@pytest.fixture(scope="session")
def publish(client: Client, iris_ref: ModelRef) -> Callable[..., dict[str, Any]]:
    """Publishes an endpoint with the deployments blue and green; changes are members of the endpoint file."""

    def do(name: str, **changes: Any) -> dict[str, Any]:
        model = {"model": iris_ref._asdict()}
        document = {"name": name, "deployments": {"blue": model, "green": model}, "traffic": {"blue": 100}, **changes}
        draft = endpoint.draft(iris_ref, **document)
        return publish_revision(client.stack.url, client.token("Endpoint.Manage"), draft)

    return do


@pytest.fixture(scope="session")
def flowers(publish: Callable[..., dict[str, Any]]) -> str:
    """An endpoint's name."""
    publish("flowers", batch={"mini_batch_size": 40, "error_threshold": 2})
    return "flowers"


@pytest.fixture(scope="session")
def garden(publish: Callable[..., dict[str, Any]]) -> str:
    """An endpoint that starts no job by a drop, but by REST alone."""
    publish("garden", batch={"mini_batch_size": 40, "error_threshold": 2, "drop": "folder"})
    return "garden"


@pytest.fixture(scope="session", autouse=True)
def _live(stack: Stack) -> None:
    assert requests.get(f"{stack.url}/health/live", timeout=10).json() == {"live": True}
