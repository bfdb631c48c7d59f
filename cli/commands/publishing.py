"""From a model to a deployment: an endpoint file begun, looked at, and published."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from cli import credentials, endpoint_file, profiles
from cli.client import App
from cli.commands import showing
from cli.errors import USAGE, CommandError
from cli.options import AsJson, ProfileName, open_profile
from cli.output import Output, waiting
from cli.publishing import flow, golden, replay, templates
from cli.publishing.flow import Plan
from cli.publishing.golden import Golden
from cli.publishing.parts import Asked, Part
from cli.publishing.replay import Replay
from cli.publishing.trial import Tried
from cli.sources.sample import Sample
from cli.sources.sample import read as read_sample
from shared.auth.access import Role

_ENDPOINT_FILE: Final = Path("endpoint.yaml")

File = Annotated[Path, typer.Argument(help="The endpoint file.")]


def init(
    name: Annotated[str, typer.Option(help="The endpoint's name.")] = "my-endpoint",
    model: Annotated[str, typer.Option(help="A folder, an .onnx file, models:/name/version, …")] = "./model",
    file: File = _ENDPOINT_FILE,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Writes an endpoint file to begin with, and slipway.yaml with a profile where there is none."""
    text = templates.endpoint(name, model)
    endpoint_file.parse(file, text)  # a name or a model that cannot be is told before it is written
    written = [_write(file, text, force)]
    known = file.parent / profiles.FILE
    if not known.exists():
        written.append(_write(known, templates.PROFILES, force=False))
    Output(as_json).document({"written": [str(each) for each in written]}, *(f"wrote {each}" for each in written))


def _write(path: Path, text: str, force: bool) -> Path:
    if path.exists() and not force:
        raise CommandError("InvalidTransition", f"{path} is there already: use --force to write over it")
    path.write_text(text, encoding="utf-8")
    return path


def validate(file: File = _ENDPOINT_FILE, as_json: AsJson = False) -> None:
    """Tells all that is wrong with an endpoint file, with line and way out. Asks nobody."""
    try:
        found = endpoint_file.read(file)
    except endpoint_file.Invalid as error:
        Output(as_json).document(
            {"valid": False, "problems": [each._asdict() for each in error.problems]},
            *(endpoint_file.told(file, each) for each in error.problems),
        )
        raise typer.Exit(1) from None
    names = ", ".join(found.models)
    Output(as_json).document({"valid": True, "problems": []}, f"{file} is good: endpoint {found.name}, {names}")


def publish(
    file: File = _ENDPOINT_FILE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    to_onnx: Annotated[
        bool, typer.Option("--to-onnx", help="Convert scikit-learn, XGBoost and LightGBM models, which is the fastest.")
    ] = False,
    partition_by: Annotated[
        str, typer.Option(help="Of many models: the columns that pick one, such as carrier,origin.")
    ] = "",
    sample_file: Annotated[
        Path | None,
        typer.Option("--sample", help="Compare conversions on at most 100,000 rows: .csv, .parquet, .jsonl."),
    ] = None,
    golden_folder: Annotated[
        Path | None, typer.Option("--golden", help="Golden requests for new models; else golden/ beside the file.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Publish nothing that callers may stumble over.")] = False,
    no_trial: Annotated[bool, typer.Option("--no-trial", help="Do not load new models here before.")] = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Uploads the models of an endpoint file, and makes it the endpoint's current revision. Live traffic stays."""
    _check_options(to_onnx, sample_file, strict, no_trial)
    written = endpoint_file.read(file)
    requests = golden.read_all(golden_folder, file.parent)
    sample = read_sample(sample_file) if sample_file else None
    settings, output = open_profile(profile), Output(as_json)
    app = App(settings.app_url, lambda: credentials.token(settings, (Role.MANAGE, Role.READ)))
    with credentials.storage(settings) as account, tempfile.TemporaryDirectory(prefix="slipway-publish-") as folder:
        with waiting("looking at the models and the endpoint") as status:
            columns = tuple(filter(None, map(str.strip, partition_by.split(","))))
            rows = sample.rows if sample else None
            asked = Asked(credentials.holder(app.token()), to_onnx, rows, columns, status.update)
            plan = flow.plan(written, Path(folder), app, account, asked)
        tried = {} if no_trial else _try_out(plan, requests)
        replayed = replay.replay(requests, plan, tried)
        seen = _Seen(plan, tried, replayed, sample, replay.held_back(plan, replayed) if strict else None)
        if dry_run or seen.held_back or not plan.changes:
            _tell(seen, output, published=None)
        else:
            with showing.bars("upload") as progress:
                endpoint = flow.carry_out(plan, app, account, progress)
            _tell(seen, output, published=endpoint["revision"]["number"])
    if seen.held_back:
        raise seen.held_back


class _Seen(NamedTuple):
    """What was found before the first upload. `held_back`: what --strict ends with, None when it publishes."""

    plan: Plan
    tried: dict[str, Tried]
    replay: Replay
    sample: Sample | None
    held_back: CommandError | None


def _check_options(to_onnx: bool, sample: Path | None, strict: bool, no_trial: bool) -> None:
    if sample is not None and not to_onnx:
        raise CommandError("Usage", "--sample is what a conversion is compared on: use it with --to-onnx", USAGE)
    if strict and no_trial:
        raise CommandError("Usage", "--strict asks the new models, which --no-trial does not: use one of them", USAGE)


def _try_out(plan: Plan, requests: Mapping[str, Golden]) -> dict[str, Tried]:
    with waiting("trying the models") as status:
        return flow.try_out(plan, lambda name: status.update(f"trying {name}"), requests)


def _differences(part: Part) -> dict[str, float]:
    """The largest, by output."""
    return {each.output: each.largest for each in part.agreement.differences} if part.agreement else {}


def _conversion(name: str, part: Part) -> list[str]:
    if part.agreement is not None:
        told = ", ".join(f"{output} by {largest:.1e}" for output, largest in _differences(part).items())
        return [f"{name} was converted to ONNX; on {part.agreement.rows} rows it differs in {told} at most"]
    if part.convertible and not part.found.is_there:
        return [f"{name} will run in a process of its own; --to-onnx would convert it, which is faster"]
    return []


def _rows(rows: int | None) -> str:
    return "the rows of its input example" if rows else "nothing yet: it has no input example to be asked"


def _loads(name: str, part: Part, tried: Tried) -> str:
    models = part.found.package.models
    if not models:
        return f"{name} loads, and answers {_rows(tried.rows)}"
    return f"of the {len(models):,} models of {name}, {len(part.found.new_models):,} are new; {tried.models:,} load"


def _compared(seen: _Seen) -> list[str]:
    if seen.sample is None:
        return []
    if not any(part.agreement for part in seen.plan.parts.values()):
        return [f"no model was converted: {seen.sample.file} was not needed"]
    return (
        [f"of {seen.sample.file} the first {len(seen.sample.rows):,} rows were compared"] if seen.sample.is_cut else []
    )


def _tell(seen: _Seen, output: Output, published: int | None) -> None:
    plan = seen.plan
    lines = [each for name, part in plan.parts.items() for each in _conversion(name, part)]
    lines += _compared(seen)
    lines += [_loads(name, plan.parts[name], each) for name, each in seen.tried.items()]
    lines += [*seen.replay.lines, _ending(seen, published)]
    showing.tell(
        plan,
        output,
        published,
        lines,
        tried={deployment: each.rows for deployment, each in seen.tried.items()},
        golden=seen.replay.document,
        converted={name: _differences(part) for name, part in plan.parts.items() if part.agreement},
        sample={"file": seen.sample.file, "rows": len(seen.sample.rows)} if seen.sample else None,
        models={
            deployment: {**part.found.ref._asdict(), "uploaded": published is not None and not part.found.is_there}
            for deployment, part in plan.parts.items()
        },
    )


def _ending(seen: _Seen, published: int | None) -> str:
    name = seen.plan.draft.name
    if published is not None:
        return f"published {name}, revision {published}"
    if not seen.plan.changes:
        return f"{name} is as its file says: nothing to publish"
    return f"{'did not' if seen.held_back else 'would'} publish {name}; nothing was changed"
