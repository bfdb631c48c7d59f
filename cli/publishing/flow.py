"""Publishing: models resolved, packages uploaded, and the endpoint's next revision made current. The spine."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from azure.storage.blob import BlobServiceClient

from cli.client import App
from cli.endpoint_file import EndpointFile
from cli.errors import CommandError
from cli.publishing import environments, packages, parts, reference, requirements, stored, trial
from cli.publishing.difference import Change, changes
from cli.publishing.golden import Golden
from cli.publishing.packages import Found
from cli.publishing.parts import Asked, Part
from cli.publishing.requirements import Needs
from cli.publishing.signatures import breaking
from cli.publishing.trial import Tried
from shared.endpoints.spec import Draft
from shared.errors import ModelNotReady
from shared.models.package import ModelRef
from shared.models.signature import Signature

type Progress = Callable[[str, int, int], None]
"""Told what is uploaded, its bytes by now and in all."""

# Of very many models that start one each, as many are tried as take about a minute.
_PROCESSES: Final = 20
_ANY_STATE: Final[Mapping[str, str]] = MappingProxyType({})


class Plan(NamedTuple):
    """`changes`: empty where the endpoint is as its file says. `traffic`: live, None of a new endpoint.

    `breaking`: what callers of its deployments may stumble over. `notes`: what its models may stumble over, and what of
    its reference does not count. `etag`: of the endpoint as it was looked at, None of a new one. `digests`: of its
    packages by deployment.
    """

    draft: Draft
    parts: dict[str, Part]
    changes: list[Change]
    traffic: dict[str, int] | None
    breaking: list[str]
    notes: list[str]
    etag: str | None
    digests: dict[str, str]

    def is_new(self, name: str) -> bool:
        """Whether the deployment gets another model than it has."""
        return self.digests.get(name) != self.parts[name].found.digest


def plan(file: EndpointFile, into: Path, app: App, account: BlobServiceClient, asked: Asked) -> Plan:
    """Looks at everything, and changes nothing. `into`: a temporary folder for what is downloaded."""
    there = environments.ask(app)
    found = dict(_shared({name: parts.find(file, name, into, account, asked, there) for name in file.models}))
    if asked.partition_by and not any(part.found.package.segments for part in found.values()):
        raise CommandError(
            "MalformedRequest",
            "--partition-by needs a deployment whose model is a folder of models, or models:/*?tag=…",
        )
    models = {name: (part.found.ref, part.found.package.signature) for name, part in found.items()}
    refs = {name: part.found.ref for name, part in found.items()}
    draft, left_out = reference.profiled(file.draft(refs), file, [part.found.package for part in found.values()])
    notes = requirements.check([_needs(draft, name, part) for name, part in found.items()], there)
    current, etag = look(app, file.name)
    revision = current["revision"] if current else None
    return Plan(
        draft,
        found,
        changes(revision, draft.model_dump(mode="json")),
        current["head"]["traffic"] if current else None,
        [*breaking_changes(models, current, account)],
        [*notes, *left_out],
        etag,
        {name: each["model"]["digest"] for name, each in revision["deployments"].items()} if revision else {},
    )


def _shared(found: Mapping[str, Part]) -> Iterator[tuple[str, Part]]:
    """Deployments of the same model version have one package, whatever each of them calls it."""
    known: dict[tuple[str, str], Found] = {}
    for name, part in found.items():
        package = part.found.package
        first = known.setdefault((package.name, package.version), part.found)
        same = first is part.found or stored.content(first.package) == stored.content(package)
        yield name, part._replace(found=first) if same else part


def _needs(draft: Draft, name: str, part: Part) -> Needs:
    environment = draft.deployments[name].environment or ""
    return Needs(name, environment, part.found.package, part.source.origin, part.convertible)


def breaking_changes(
    models: Mapping[str, tuple[ModelRef, Signature]], current: dict[str, Any] | None, account: BlobServiceClient
) -> Iterator[str]:
    """From the endpoint as it is, None of a new one, to these models by deployment; of a deployment that is new from
    the one with the most traffic, whose callers it is to get.
    """
    known = current["revision"]["deployments"] if current else {}
    live = {name: percent for name, percent in current["head"]["traffic"].items() if percent} if current else {}
    for name, (ref, signature) in models.items():
        before = name if name in known else max(sorted(live), key=lambda each: live[each], default=None)
        if before is None or known[before]["model"]["digest"] == ref.digest:
            continue
        package = stored.read(account, known[before]["model"]["name"], known[before]["model"]["version"])
        where = name if before == name else f"{name}, against {before}"
        if package is not None:
            yield from (f"{where}: {told}" for told in breaking(package.signature, signature))


def try_out(plan: Plan, tell: Callable[[str], None], requests: Mapping[str, Golden]) -> dict[str, Tried]:
    """Loads what a deployment has not had yet, each in a process of its own, and asks it its example and the requests.

    What runs in an environment of the app's is left out: that environment is not on this machine. `tell`: the name of
    each deployment before it is tried. Raises CommandError.
    """
    answered: dict[str, Tried] = {}
    for name, part in plan.parts.items():
        deployment, source = plan.draft.deployments[name], part.source
        if not plan.is_new(name) or deployment.environment is not None:
            continue
        tell(name)
        variables = deployment.environment_variables
        try:
            answered[name] = trial.run(source.folder, source.code, requests, _tried_of(part.found), variables)
        except ModelNotReady as error:
            raise CommandError(
                error.code, f"the model of deployment {name} cannot be served: {error.message}"
            ) from None
    return answered


def _tried_of(found: Found) -> list[str]:
    """Of many models those that are new; of such as need a process each only some."""
    keys = found.new_models
    graphs = [key for key in keys if found.package.models[key].flavor == "onnx"]
    return graphs + [key for key in keys if found.package.models[key].flavor != "onnx"][:_PROCESSES]


def look(app: App, name: str) -> tuple[dict[str, Any] | None, str | None]:
    """The endpoint as it is now, with its ETag; None for both where there is none."""
    try:
        reply = app.ask("GET", "endpoints", name)
    except CommandError as error:
        if error.code == "EndpointNotFound":
            return None, None
        raise
    return app.parsed(reply), app.etag(reply)


def as_seen(etag: str | None) -> Mapping[str, str]:
    """Headers by which a change is made to what `look` has seen, or not at all."""
    return {"If-None-Match": "*"} if etag is None else {"If-Match": etag}


def carry_out(plan: Plan, app: App, account: BlobServiceClient, progress: Progress) -> dict[str, Any]:
    """Uploads first: whatever dies before the last step leaves the endpoint as it was, and a repeat completes it."""
    for name, part in plan.parts.items():
        if not part.found.is_there:
            packages.upload(part.source.folder, part.found, account, counted(progress, name, part.found.size_bytes))
    return publish(app, plan.draft, as_seen(plan.etag))


def publish(app: App, draft: Draft, seen: Mapping[str, str] = _ANY_STATE) -> dict[str, Any]:
    """Makes the draft the endpoint's current revision. `seen`: as `as_seen` says it.

    Raises CommandError, also where somebody else was faster.
    """
    body = draft.model_dump(mode="json")
    try:
        return app.document("POST", "endpoints", draft.name, "revisions", json=body, headers=seen)
    except CommandError as error:
        if error.code != "StaleDocument":
            raise
        told = f"endpoint '{draft.name}' was changed by someone else meanwhile, and stays as it is: run it again"
        raise CommandError(error.code, told, error.exit_code) from None


def counted(progress: Progress, name: str, total: int) -> Callable[[int], None]:
    """Is told of bytes as they go, from any thread, and tells how many have gone."""
    done, turn = 0, Lock()

    def tell(size_bytes: int) -> None:
        nonlocal done
        with turn:
            done += size_bytes
            progress(name, done, total)

    tell(0)
    return tell
