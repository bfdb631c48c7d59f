"""The flights endpoints on this machine: storage, token issuer and host running, the models published."""

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient
from rich.console import Console

from cli.errors import CommandError
from cli.publishing.direct import publish_revision, read_endpoint_file, upload_model
from devhost.errors import HostError
from devhost.processes import is_listening
from devhost.stack import Stack
from samples.flights.report import ConversionError
from samples.flights.steps import Steps
from samples.flights.train import CARRIERS, DEFAULT_OUT, MODEL_NAMES, ensure_trained
from shared.auth.access import Role
from shared.errors import SlipwayError
from shared.models.package import ModelRef

ENDPOINT: Final = "flight-delay"
BY_CARRIER: Final = "flight-delay-by-carrier"
AUDIENCE: Final = "api://slipway"
ENDPOINT_FILE: Final = Path("samples/flights/endpoint.yaml")
CARRIERS_FILE: Final = Path("samples/flights/carriers.yaml")
_APP_DIR: Final = Path()
# What a person at the terminal is told in one line.
FAILURES: Final = (CommandError, SlipwayError, HostError, ConversionError, AzureError, OSError)


def make_stack(work_dir: Path, ports: tuple[int, int] | None = None, **settings: str) -> Stack:
    """Not started yet. `ports`: of the host and the issuer; free ones without. What an earlier run left is removed.

    Raises HostError when a port is in use: what runs there may still need what lies in `work_dir`.
    """
    for taken in filter(is_listening, ports or ()):
        raise HostError(f"port {taken} on 127.0.0.1 is in use: stop what runs there, and try again")
    shutil.rmtree(work_dir, ignore_errors=True)
    port, issuer_port = ports or (None, None)
    stack = Stack(_APP_DIR, work_dir, port=port, issuer_port=issuer_port)
    stack.settings.update(
        {
            "SLIPWAY_DATA": stack.connection_string,
            "SLIPWAY_TENANT_ID": stack.tenant,
            "SLIPWAY_AUDIENCES": AUDIENCE,
            "SLIPWAY_LOCAL_ISSUER": stack.issuer_url,
            **settings,
        }
    )
    return stack


@contextmanager
def running(console: Console, work_dir: Path, ports: tuple[int, int] | None = None) -> Iterator[Stack]:
    """Trains where there is something to train, starts everything, and publishes."""
    report, _ = ensure_trained(DEFAULT_OUT, console)
    console.print(report.table())
    steps = Steps(console)
    with _alone_in(work_dir):
        stack = make_stack(work_dir, ports)
        try:
            with steps.step("start storage, token issuer and host"):
                stack.start()
            with steps.step("publish the models and the endpoints"):
                publish(stack)
                publish_by_carrier(stack)
            yield stack
        finally:
            with steps.step("stop what was started"):
                stack.stop()


@contextmanager
def _alone_in(work_dir: Path) -> Iterator[None]:
    """Raises HostError when another run has the folder, which it would lose to this one."""
    work_dir.parent.mkdir(parents=True, exist_ok=True)
    with work_dir.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HostError(f"another run works in {work_dir}: wait until it has ended") from None
        yield


def storage(stack: Stack) -> BlobServiceClient:
    """The data account as its users see it; here they hold its key."""
    return BlobServiceClient.from_connection_string(stack.connection_string)


def publish(stack: Stack, models: Path = DEFAULT_OUT / "models", endpoint_file: Path = ENDPOINT_FILE) -> None:
    """Packages go to storage, the revision through the app's management API."""
    account = storage(stack)
    refs: dict[str, ModelRef] = {}
    for version, name in enumerate(MODEL_NAMES, start=1):
        ref = upload_model(models / name, ENDPOINT, str(version), account, progress=lambda size_bytes: None)
        refs[f"models:/{ref}"] = ref
    publish_revision(stack.url, token(stack, [Role.MANAGE]), read_endpoint_file(endpoint_file, refs))


def publish_by_carrier(stack: Stack, package: Path = DEFAULT_OUT / "models" / CARRIERS) -> None:
    """The same for the endpoint of one model a carrier, which is one package."""
    ref = upload_model(package, BY_CARRIER, "1", storage(stack), progress=lambda size_bytes: None)
    draft = read_endpoint_file(CARRIERS_FILE, {f"models:/{ref}": ref})
    publish_revision(stack.url, token(stack, [Role.MANAGE]), draft)


def write_profile(stack: Stack, path: Path) -> None:
    """For the command line: `SLIPWAY_PROFILES` names it."""
    profile = {
        "app_url": stack.url,
        "storage": stack.connection_string,
        "tenant_id": stack.tenant,
        "audience": AUDIENCE,
        "local_issuer": stack.issuer_url,
    }
    path.write_text(yaml.safe_dump({"profiles": {"local": profile}}))


def token(stack: Stack, roles: Sequence[Role]) -> str:
    return stack.token(roles, AUDIENCE)
