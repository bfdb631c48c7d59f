"""Publishing: models resolved, packages uploaded, and the endpoint's next revision made current. The spine."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from azure.storage.blob import BlobServiceClient

from cli.client import App
from cli.endpoint_file import EndpointFile
from cli.errors import CommandError
from cli.publishing import environments, packages, requirements, trial
from cli.publishing.difference import Change, changes
from cli.publishing.environments import Environments
from cli.publishing.golden import Golden
from cli.publishing.packages import Found
from cli.publishing.requirements import Needs
from cli.publishing.signatures import breaking
from cli.publishing.trial import Tried
from cli.sources.agreement import Agreement
from cli.sources.origin import ModelSource
from shared.endpoints.spec import Draft
from shared.errors import ModelNotReady
from shared.models.package import CodeConfiguration

type Progress = Callable[[str, int, int], None]
"""Told what is uploaded, its bytes by now and in all."""


class Part(NamedTuple):
    """One deployment: its model here, and its package in storage, where it may be already.

    `agreement`: with the model that it was converted from, if it was. `convertible`: it could be.
    """

    source: ModelSource
    found: Found
    agreement: Agreement | None
    convertible: bool


class Asked(NamedTuple):
    """`by`: who publishes, as the packages tell it. `to_onnx`: convert what can be. `sample`: a DataFrame of rows that
    conversions are compared on besides. `partition_by`: the columns that pick one of many models. `tell`: of what takes
    long.
    """

    by: str
    to_onnx: bool = False
    sample: Any = None
    partition_by: tuple[str, ...] = ()
    tell: Callable[[str], None] = lambda what: None


class Plan(NamedTuple):
    """`changes`: empty where the endpoint is as its file says. `traffic`: live, None of a new endpoint.

    `breaking`: what callers of its deployments may stumble over. `notes`: what its models may stumble over.
    """

    draft: Draft
    parts: dict[str, Part]
    changes: list[Change]
    traffic: dict[str, int] | None
    breaking: list[str]
    notes: list[str]


def plan(file: EndpointFile, into: Path, app: App, account: BlobServiceClient, asked: Asked) -> Plan:
    """Looks at everything, and changes nothing. `into`: a temporary folder for what is downloaded."""
    there = environments.ask(app)
    parts = {name: _part(file, name, into, account, asked, there) for name in file.models}
    if asked.partition_by and not any(part.found.package.segments for part in parts.values()):
        raise CommandError(
            "MalformedRequest",
            "--partition-by needs a deployment whose model is a folder of models, or models:/*?tag=…",
        )
    draft = file.draft({name: part.found.ref for name, part in parts.items()})
    notes = requirements.check([_needs(draft, name, part) for name, part in parts.items()], there)
    current = _current(app, file.name)
    revision = current["revision"] if current else None
    return Plan(
        draft,
        parts,
        changes(revision, draft.model_dump(mode="json")),
        current["head"]["traffic"] if current else None,
        [*_breaking(parts, revision, account)] if revision else [],
        notes,
    )


def _needs(draft: Draft, name: str, part: Part) -> Needs:
    environment = draft.deployments[name].environment or ""
    return Needs(name, environment, part.source, part.found.package, part.convertible)


def _breaking(parts: dict[str, Part], revision: dict[str, Any], account: BlobServiceClient) -> Iterator[str]:
    for name, part in parts.items():
        known = revision["deployments"].get(name)
        if known is None or known["model"]["digest"] == part.found.ref.digest:
            continue
        before = packages.read(account, known["model"]["name"], known["model"]["version"])
        if before is not None:
            yield from (f"{name}: {told}" for told in breaking(before.signature, part.found.package.signature))


def try_out(plan: Plan, tell: Callable[[str], None], requests: Mapping[str, Golden]) -> dict[str, Tried]:
    """Loads what is new, each in a process of its own, and asks it its input example and the golden requests.

    What runs in an environment of the app's is left out: that environment is not on this machine. `tell`: the name of
    each deployment before it is tried. Raises CommandError.
    """
    answered: dict[str, Tried] = {}
    for name, part in plan.parts.items():
        if part.found.is_there or plan.draft.deployments[name].environment is not None:
            continue
        tell(name)
        try:
            answered[name] = trial.run(part.source.folder, part.source.code, requests)
        except ModelNotReady as error:
            raise CommandError(
                error.code, f"the model of deployment {name} cannot be served: {error.message}"
            ) from None
    return answered


def _part(
    file: EndpointFile, name: str, into: Path, account: BlobServiceClient, asked: Asked, there: Environments
) -> Part:
    from cli.sources.resolve import resolve  # it takes a second, which most commands need not wait

    def tell(here: int, of: int) -> None:
        asked.tell(f"{name}: {here:,} of {of:,} models")

    model = file.models[name]
    code = CodeConfiguration(**model.code.model_dump()) if model.code else None
    source = resolve(
        model.uri, into / name, base=file.path.parent, code=code, partition_by=asked.partition_by, tell=tell
    )
    there.check_source(name, source)
    source, agreement, convertible = _converted(source, into / f"{name}-onnx", asked, tell)
    called, version = packages.called(source.name or f"{file.name}-{name}", source.version)
    if agreement is not None:
        called = f"{called}-onnx"  # beside what it was converted from, under the same version
    here = source.origin.resolved.startswith("file:")
    resolved = "" if here else source.origin.resolved
    origin = source.origin.model_copy(update={"published_by": asked.by, "resolved": resolved})
    found = packages.find(source.folder, called, version, account, source.code, origin)
    return Part(source, found, agreement, convertible)


def _converted(
    source: ModelSource, into: Path, asked: Asked, tell: Callable[[int, int], None]
) -> tuple[ModelSource, Agreement | None, bool]:
    """As a graph where it is asked for and can be; and whether it can be."""
    from cli.sources.conversion import convert, is_convertible
    from cli.sources.conversion_of_many import convert_many
    from cli.sources.many import is_of_many

    convertible = source.code is None and is_convertible(source.origin)
    if not (asked.to_onnx and convertible):
        return source, None, convertible
    of_many = is_of_many(source.folder)
    folder, agreement = (
        convert_many(source.folder, into, tell, sample=asked.sample)
        if of_many
        else convert(source.folder, into, sample=asked.sample)
    )
    return source._replace(folder=folder), agreement, convertible


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
