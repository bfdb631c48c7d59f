"""From a model to a deployment: an endpoint file begun, looked at, and published."""

import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from cli import credentials, endpoint_file, profiles
from cli.client import App
from cli.commands import showing
from cli.errors import CommandError
from cli.options import AsJson, ProfileName, open_profile
from cli.output import ERRORS, Output
from cli.publishing import flow, templates
from cli.publishing.flow import Asked, Part, Plan
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
    written = [_write(file, templates.endpoint(name, model), force)]
    endpoint_file.read(file)  # a name or a model that cannot be is told now
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
    no_trial: Annotated[bool, typer.Option("--no-trial", help="Do not load new models here before.")] = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Uploads the models of an endpoint file, and makes it the endpoint's current revision. Live traffic stays."""
    written = endpoint_file.read(file)
    settings = open_profile(profile)
    token = credentials.token(settings, (Role.MANAGE, Role.READ))
    app = App(settings.app_url, lambda: token)
    with credentials.storage(settings) as account, tempfile.TemporaryDirectory(prefix="slipway-publish-") as folder:
        with ERRORS.status("looking at the models and the endpoint"):
            asked = Asked(credentials.holder(token), to_onnx)
            plan = flow.plan(written, Path(folder), app, account, asked)
        with ERRORS.status("trying the models") as status:
            tried = {} if no_trial else flow.try_out(plan, lambda name: status.update(f"trying {name}"))
        output = Output(as_json)
        if dry_run or not plan.changes:
            _tell(plan, tried, output, published=None)
            return
        with showing.bars("upload") as progress:
            endpoint = flow.carry_out(plan, app, account, progress)
        _tell(plan, tried, output, published=endpoint["revision"]["number"])


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


def _tell(plan: Plan, tried: dict[str, int | None], output: Output, published: int | None) -> None:
    name = plan.draft.name
    models = {
        deployment: {**part.found.ref._asdict(), "uploaded": published is not None and not part.found.is_there}
        for deployment, part in plan.parts.items()
    }
    converted = {name: _differences(part) for name, part in plan.parts.items() if part.agreement}
    lines = [each for name, part in plan.parts.items() for each in _conversion(name, part)]
    lines += [f"{name} loads, and answers {_rows(rows)}" for name, rows in tried.items()]
    if published is not None:
        lines.append(f"published {name}, revision {published}")
    elif not plan.changes:
        lines.append(f"{name} is as its file says: nothing to publish")
    else:
        lines.append(f"would publish {name}; nothing was changed")
    showing.tell(plan, output, published, lines, tried=tried, converted=converted, models=models)
