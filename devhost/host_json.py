"""host.json: the parts of it that this host honours, with overrides from the environment."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devhost.errors import HostError

_OVERRIDE_PREFIX = "AzureFunctionsJobHost__"
_TIME_SPAN = re.compile(r"(\d+):(\d{2}):(\d{2})")


@dataclass(frozen=True)
class HostConfig:
    """Settings of the host; the defaults are those of the real host."""

    host_id: str
    route_prefix: str
    max_concurrent_requests: int | None
    max_outstanding_requests: int | None
    blob_max_parallelism: int
    blob_max_tries: int
    queue_batch_size: int
    queue_max_tries: int
    queue_retry_delay_s: int
    queue_base64: bool
    task_hub: str
    max_concurrent_activities: int
    max_concurrent_orchestrators: int
    log_level: str


def read_host_json(app_dir: Path, environ: Mapping[str, str] = os.environ) -> HostConfig:
    """Read host.json of the app and lay `AzureFunctionsJobHost__a__b=value` settings over it."""
    path = app_dir / "host.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise HostError(f"{path.name} is missing in {app_dir}") from None
    except (OSError, ValueError) as exc:
        raise HostError(f"{path.name} cannot be read: {exc}") from exc
    if not isinstance(document, dict) or document.get("version") != "2.0":
        raise HostError(f'{path.name} must be an object with "version": "2.0"')
    for name, value in environ.items():
        if name.startswith(_OVERRIDE_PREFIX):
            _lay_over(document, name.removeprefix(_OVERRIDE_PREFIX).split("__"), value)
    return _config(_Reader(document), app_dir, environ)


def _lay_over(document: dict[str, Any], path: list[str], value: str) -> None:
    """Set one value of the document; keys compare without case, as .NET configuration does."""
    node = document
    for step in path[:-1]:
        child = node.setdefault(_existing_key(node, step), {})
        if not isinstance(child, dict):
            raise HostError(f"the setting {_OVERRIDE_PREFIX}{'__'.join(path)} does not fit host.json")
        node = child
    node[_existing_key(node, path[-1])] = value


def _existing_key(node: Mapping[str, Any], wanted: str) -> str:
    return next((key for key in node if key.lower() == wanted.lower()), wanted)


class _Reader:
    """Typed reading of a document whose overrides are strings."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def raw(self, path: str) -> Any:
        node: Any = self._document
        for step in path.split("."):
            if not isinstance(node, Mapping):
                raise HostError(f"host.json: '{path}' is not where it should be")
            node = node.get(_existing_key(node, step))
            if node is None:
                return None
        return node

    def text(self, path: str, default: str) -> str:
        value = self.raw(path)
        if value is None:
            return default
        if not isinstance(value, str):
            raise HostError(f"host.json: {path} must be a string")
        return value

    def count(self, path: str, default: int | None, least: int = 1) -> int | None:
        """A whole number; -1 stands for 'no limit' and becomes None."""
        value = self.raw(path)
        if value is None:
            return default
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise HostError(f"host.json: {path} must be a whole number, not {value!r}") from None
        if number == -1 and default is None:
            return None
        if number < least:
            raise HostError(f"host.json: {path} must be {least} or more, not {number}")
        return number

    def some(self, path: str, default: int) -> int:
        number = self.count(path, default)
        return default if number is None else number

    def span_s(self, path: str, default: str) -> int:
        """A .NET TimeSpan `hh:mm:ss` in seconds."""
        match = _TIME_SPAN.fullmatch(self.text(path, default))
        if match is None:
            raise HostError(f"host.json: {path} must be hh:mm:ss")
        hours, minutes, seconds = map(int, match.groups())
        return hours * 3600 + minutes * 60 + seconds


def _config(reader: _Reader, app_dir: Path, environ: Mapping[str, str]) -> HostConfig:
    cores = os.cpu_count() or 1
    encoding = reader.text("extensions.queues.messageEncoding", "base64").lower()
    if encoding not in ("base64", "none"):
        raise HostError(f"host.json: extensions.queues.messageEncoding must be base64 or none, not {encoding}")
    return HostConfig(
        host_id=environ.get("AzureFunctionsWebHost__hostid") or _host_id(app_dir),
        route_prefix=reader.text("extensions.http.routePrefix", "api").strip("/"),
        max_concurrent_requests=reader.count("extensions.http.maxConcurrentRequests", None),
        max_outstanding_requests=reader.count("extensions.http.maxOutstandingRequests", None),
        blob_max_parallelism=reader.some("extensions.blobs.maxDegreeOfParallelism", 8),
        blob_max_tries=reader.some("extensions.blobs.poisonBlobThreshold", 5),
        queue_batch_size=min(32, reader.some("extensions.queues.batchSize", 16)),
        queue_max_tries=reader.some("extensions.queues.maxDequeueCount", 5),
        queue_retry_delay_s=reader.span_s("extensions.queues.visibilityTimeout", "00:00:00"),
        queue_base64=encoding == "base64",
        task_hub=reader.text("extensions.durableTask.hubName", "TestHubName"),
        max_concurrent_activities=reader.some("extensions.durableTask.maxConcurrentActivityFunctions", 10 * cores),
        max_concurrent_orchestrators=reader.some(
            "extensions.durableTask.maxConcurrentOrchestratorFunctions", 10 * cores
        ),
        log_level=reader.text("logging.logLevel.default", "Information"),
    )


def _host_id(app_dir: Path) -> str:
    """A name that stays the same from one start to the next, because receipts are filed under it."""
    name = re.sub(r"[^a-z0-9]+", "-", app_dir.resolve().name.lower()).strip("-")
    return f"devhost-{name or 'app'}"[:32]
