"""Promotion: the revision of one environment made current in another, with the very same packages. The spine."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from cli.endpoint_file import EndpointFile
from cli.errors import CommandError, on_side
from cli.publishing import copying, environments, flow, reference, requirements
from cli.publishing.copying import Packaged, Side
from cli.publishing.difference import OWN, Change, changes
from cli.publishing.flow import Progress
from cli.publishing.requirements import Needs
from shared.endpoints.spec import Draft
from shared.models.package import ModelRef
from shared.models.sources import check_source


class Asked(NamedTuple):
    """`revision`: None for the source's current one. `file`: whose settings count, where it is not the revision's."""

    endpoint: str
    revision: int | None
    file: EndpointFile | None


class Plan(NamedTuple):
    """`number`: the source's revision. `missing`: packages that the target has not, or not whole.

    All else is as in a plan to publish, seen from the target.
    """

    number: int
    draft: Draft
    missing: dict[ModelRef, Packaged]
    changes: list[Change]
    traffic: dict[str, int] | None
    breaking: list[str]
    notes: list[str]
    etag: str | None


def plan(asked: Asked, source: Side, target: Side) -> Plan:
    """Looks at both sides, and changes neither. Raises CommandError, which says of which side."""
    revision = _revision(asked, source)
    draft = _draft(asked, revision, source)
    refs = {name: deployment.model.ref for name, deployment in draft.deployments.items()}
    packages = {ref: copying.read(ref, source) for ref in dict.fromkeys(refs.values())}
    models = {name: (ref, packages[ref].package.signature) for name, ref in refs.items()}
    left_out: list[str] = []
    if asked.file is not None:
        draft, left_out = reference.profiled(draft, asked.file, [each.package for each in packages.values()])
    with on_side(target.name):
        there = environments.ask(target.app)
        for name, ref in refs.items():
            check_source(name, packages[ref].package, there.code_sources)
        notes = requirements.check([*_needs(draft, packages)], there)
        current, etag = flow.look(target.app, asked.endpoint)
        known = current["revision"] if current else None
        stumbles = [*flow.breaking_changes(models, current, target.account)]
    return Plan(
        revision["number"],
        draft,
        {ref: each for ref, each in packages.items() if not copying.is_there(each, target)},
        changes(known, draft.model_dump(mode="json")),
        current["head"]["traffic"] if current else None,
        stumbles,
        [*notes, *left_out],
        etag,
    )


def _needs(draft: Draft, packages: Mapping[ModelRef, Packaged]) -> Iterator[Needs]:
    for name, deployment in draft.deployments.items():
        package = packages[deployment.model.ref].package
        yield Needs(name, deployment.environment or "", package, package.origin)


def _revision(asked: Asked, source: Side) -> dict[str, Any]:
    with on_side(source.name):
        if asked.revision is None:
            return dict(source.app.get("endpoints", asked.endpoint)["revision"])
        return dict(source.app.get("endpoints", asked.endpoint, "revisions", str(asked.revision)))


def _draft(asked: Asked, revision: dict[str, Any], source: Side) -> Draft:
    if asked.file is None:
        try:
            return Draft.model_validate({field: value for field, value in revision.items() if field not in OWN})
        except ValidationError:
            told = f"{source.name}: its app is of another version than this program: update the older one"
            raise CommandError("InvalidTransition", told) from None
    file, models = asked.file, {name: ModelRef(**each["model"]) for name, each in revision["deployments"].items()}
    if file.name != asked.endpoint:
        raise CommandError("MalformedRequest", f"{file.path.name} is of endpoint {file.name}, not {asked.endpoint}")
    if lacking := sorted(file.models.keys() - models):
        told = (
            f"{file.path.name} has {', '.join(lacking)}, which revision {revision['number']} in {source.name} has not"
        )
        raise CommandError("InvalidTransition", told)
    return file.draft(models)


def carry_out(plan: Plan, source: Side, target: Side, progress: Progress) -> dict[str, Any]:
    """Packages first: whatever dies before the last step leaves the target's endpoint as it was, and a repeat
    completes it.
    """
    for ref, packaged in plan.missing.items():
        copying.carry(packaged, source, target, flow.counted(progress, str(ref), packaged.size_bytes))
    with on_side(target.name):
        return flow.publish(target.app, plan.draft, flow.as_seen(plan.etag))
