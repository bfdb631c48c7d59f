"""Publishing: models resolved, packages uploaded, and the endpoint's next revision made current. The spine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from azure.storage.blob import BlobServiceClient

from cli.client import App
from cli.endpoint_file import EndpointFile
from cli.errors import CommandError
from cli.publishing import packages
from cli.publishing.difference import Change, changes
from cli.publishing.packages import Found
from cli.sources.origin import ModelSource
from shared.endpoints.spec import Draft
from shared.models.package import CodeConfiguration

_NOT_FOUND: Final = 404

type Progress = Callable[[str, int, int], None]
"""Told what is uploaded, its bytes by now and in all."""


class Part(NamedTuple):
    """One deployment: its model here, and its package in storage, where it may be already."""

    source: ModelSource
    found: Found


class Plan(NamedTuple):
    """`changes`: empty where the endpoint is as its file says. `traffic`: live, None of a new endpoint."""

    draft: Draft
    parts: dict[str, Part]
    changes: list[Change]
    traffic: dict[str, int] | None


def plan(file: EndpointFile, into: Path, app: App, account: BlobServiceClient) -> Plan:
    """Looks at everything, and changes nothing. `into`: a temporary folder for what is downloaded."""
    parts = {name: _part(file, name, into, account) for name in file.models}
    draft = file.draft({name: part.found.ref for name, part in parts.items()})
    current = _current(app, file.name)
    revision = current["revision"] if current else None
    return Plan(
        draft,
        parts,
        changes(revision, draft.model_dump(mode="json")),
        current["head"]["traffic"] if current else None,
    )


def _part(file: EndpointFile, name: str, into: Path, account: BlobServiceClient) -> Part:
    from cli.sources.resolve import resolve  # takes a second, which most commands need not wait for

    model = file.models[name]
    code = CodeConfiguration(**model.code.model_dump()) if model.code else None
    source = resolve(model.uri, into / name, base=file.path.parent, code=code)
    called = source.name or f"{file.name}-{name}"
    return Part(source, packages.find(source.folder, called, source.version, account, source.code))


def _current(app: App, name: str) -> dict[str, Any] | None:
    try:
        return dict(app.get("endpoints", name))
    except CommandError as error:
        if error.code == "EndpointNotFound":
            return None
        raise


def carry_out(plan: Plan, app: App, account: BlobServiceClient, progress: Progress) -> dict[str, Any]:
    """Uploads first: whatever dies before the last step leaves the endpoint as it was, and a repeat completes it."""
    for name, part in plan.parts.items():
        if not part.found.is_there:
            _upload(name, part, account, progress)
    return publish(app, plan.draft)


def publish(app: App, draft: Draft) -> dict[str, Any]:
    """Makes the draft the endpoint's current revision."""
    body = draft.model_dump(mode="json")
    return dict(app.ask("POST", "endpoints", draft.name, "revisions", json=body).json())


def _upload(name: str, part: Part, account: BlobServiceClient, progress: Progress) -> None:
    total, done = part.found.size_bytes, 0

    def tell(size_bytes: int) -> None:
        nonlocal done
        done += size_bytes
        progress(name, done, total)

    progress(name, 0, total)
    packages.upload(part.source.folder, part.found, account, tell)
