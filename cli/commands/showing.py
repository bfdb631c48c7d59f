"""How a publish and a promotion are shown: bars of bytes on the way, and what has changed, or would, at the end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from cli.commands.endpoints import shares
from cli.output import ERRORS, Output
from cli.publishing import flow, promotion


@contextmanager
def bars(verb: str) -> Iterator[flow.Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=ERRORS, transient=True, disable=not ERRORS.is_terminal) as progress:
        begun: dict[str, TaskID] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in begun:
                begun[name] = progress.add_task(f"{verb} {name}", total=total)
            progress.update(begun[name], completed=done)

        yield tell


def tell(
    plan: flow.Plan | promotion.Plan,
    output: Output,
    published: int | None,
    lines: Sequence[str],
    profile: str | None = None,
    **more: object,
) -> None:
    """`lines`: what people are told between what changes and what becomes of traffic; `more`: for programs."""
    name = plan.draft.name
    document = {
        "endpoint": name,
        "published": published,
        "changes": [each._asdict() for each in plan.changes],
        "breaking": plan.breaking,
        "notes": plan.notes,
        **more,
    }
    told = [str(each) for each in plan.changes]
    told += [f"! callers may stumble: {each}" for each in plan.breaking]
    told += [f"! {each}" for each in plan.notes]
    told += lines
    if plan.traffic is not None and plan.draft.traffic and plan.draft.traffic != plan.traffic:
        command = f"slipway traffic set {name} {shares(plan.draft.traffic)}{f' --profile {profile}' if profile else ''}"
        told.append(f"traffic stays {shares(plan.traffic)}: `{command}` moves it")
    output.document(document, *told)
