"""The benchmark's endpoints on a stack, and how they are asked."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from bench.load import Target
from cli.publishing.direct import publish_revision, upload_model
from devhost.stack import Stack
from samples.flights.local import storage, token
from shared.auth.access import Role
from shared.endpoints.spec import Draft

ROWS: Final = "bench-rows"
WATCHED: Final = "bench-watched"
TABLE: Final = "bench-table"
FOREST: Final = "bench-forest"
FLIGHTS: Final = "bench-flights"
HEAVY: Final = "bench-heavy"


def publish(
    stack: Stack,
    name: str,
    folder: Path,
    deployments: Mapping[str, Mapping[str, Any]],
    **parts: Any,
) -> None:
    """One model under several deployments, by their names and their settings; the first one gets all traffic. `parts`:
    others of the endpoint file.
    """
    ref = upload_model(folder, name, "1", storage(stack), progress=lambda size_bytes: None)
    written = {key: {"model": ref._asdict(), **settings} for key, settings in deployments.items()}
    traffic = {next(iter(written)): 100}
    document = {"name": name, "deployments": written, "traffic": traffic, **parts}
    draft = Draft.model_validate(document)
    publish_revision(stack.url, token(stack, [Role.MANAGE]), draft)


def host_pid(stack: Stack) -> int:
    pid = stack.host_pid
    assert pid is not None  # noqa: S101 - the stack runs
    return pid


def slipway(
    stack: Stack,
    endpoint: str,
    data: object,
    accepts: Callable[[bytes], bool],
    *,
    name: str = "slipway, local host, token checked, metrics on",
    deployment: str | None = None,
    tokens: Iterator[str] | None = None,
) -> Target:
    """`data`: rows or a table, as Azure ML's documentation sends them. Without `tokens` all carry the same one."""
    headers = {"content-type": "application/json"}
    if tokens is None:
        headers["authorization"] = f"Bearer {token(stack, [Role.SCORE])}"
    if deployment is not None:
        headers["azureml-model-deployment"] = deployment
    url = f"{stack.url}/endpoints/{endpoint}/score"
    return Target(name, url, headers, orjson.dumps({"input_data": data}), host_pid(stack), accepts, tokens)
