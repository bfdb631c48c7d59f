"""An endpoint moved from one environment to the next, as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli import credentials, endpoint_file
from cli.client import App
from cli.commands import showing
from cli.errors import CommandError, on_side
from cli.options import AsJson, EndpointName, open_profile
from cli.output import Output, waiting
from cli.publishing import promotion
from cli.publishing.copying import Side
from cli.publishing.promotion import Asked, Plan
from shared.auth.access import Role


def promote(
    endpoint: EndpointName,
    source: Annotated[str, typer.Option("--from", help="The profile of slipway.yaml that has the revision.")],
    target: Annotated[str, typer.Option("--to", help="The profile that is to have it.")],
    revision: Annotated[int | None, typer.Option(min=1, help="Which; the current one without.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="An endpoint file whose settings count instead, with the revision's models.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copies the models of an endpoint's revision from one environment to another, to the byte, and makes the revision
    current there. Live traffic stays.
    """
    if source == target:
        raise CommandError("MalformedRequest", f"--from and --to are both {source}: name two profiles")
    asked = Asked(endpoint, revision, endpoint_file.read(file) if file else None)
    with _opened(source, Role.READ) as here, _opened(target, Role.MANAGE, Role.READ) as there:
        with waiting(f"looking at {source} and {target}"):
            plan = promotion.plan(asked, here, there)
        number = None
        if not dry_run and plan.changes:
            with showing.bars("copy") as progress:
                number = promotion.carry_out(plan, here, there, progress)["revision"]["number"]
    _tell(plan, source, target, number, Output(as_json))


@contextmanager
def _opened(name: str, *roles: Role) -> Iterator[Side]:
    with on_side(name):
        profile = open_profile(name)
        account = credentials.storage(profile)
    with account:
        yield Side(name, App(profile.app_url, lambda: credentials.token(profile, roles)), account)


def _tell(plan: Plan, source: str, target: str, published: int | None, output: Output) -> None:
    name = plan.draft.name
    if published is not None:
        line = f"promoted {name} from {source}, revision {plan.number}, to {target}, revision {published}"
    elif plan.changes:
        line = f"would promote {name} from {source}, revision {plan.number}, to {target}; nothing was changed"
    else:
        line = f"{name} is in {target} as in {source}, revision {plan.number}: nothing to promote"
    models = {
        deployment: {
            **settings.model.model_dump(),
            "copied": published is not None and settings.model.ref in plan.missing,
        }
        for deployment, settings in plan.draft.deployments.items()
    }
    more = {"from": source, "to": target, "revision": plan.number, "models": models}
    showing.tell(plan, output, published, [line], target, **more)
