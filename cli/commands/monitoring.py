"""What monitoring has found, and the ground truth that it is told."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from cli import ground_truth
from cli.options import AsJson, EndpointName, ProfileName, open_app
from cli.output import ERRORS, Output
from shared.auth.access import Role

_NOTHING: Final = (
    "No window was looked at yet: each is, minutes after it is over, where the endpoint file has a part `monitoring`."
)
_SIGNALS: Final = ("data_drift", "prediction_drift")


def monitor(
    endpoint: EndpointName,
    deployment: Annotated[str | None, typer.Option(help="Its history instead, newest first.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=100, help="So many windows of a history.")] = 20,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Shows what each deployment's newest window says: drift by feature, the worst first, and performance."""
    app, output = open_app(profile, Role.READ), Output(as_json)
    path = ("endpoints", endpoint, "monitoring")
    if deployment is not None:
        found = app.get(*path, deployment, **{"$top": str(most)})["value"]
        rows = [
            (each["window_start"], _hours(each), each["status"], f"{each['rows']:,}", _wrong(each), each["model"])
            for each in found
        ]
        output.table(found, ("from", "hours", "status", "rows", "violated", "model"), rows, _NOTHING)
        return
    found = app.get(*path)["value"]
    if as_json or not found:
        output.document(found, _NOTHING)
        return
    for each in found:
        _tell(each, output)


def _hours(result: Mapping[str, Any]) -> int:
    start, end = (datetime.fromisoformat(result[each]) for each in ("window_start", "window_end"))
    return (end - start) // timedelta(hours=1)


def _wrong(result: Mapping[str, Any]) -> str:
    drifted = [each["feature"] for each in _drifts(result) if each["is_violated"]]
    return ", ".join([*drifted, *(each["metric"] for each in result["model_performance"] if each["is_violated"])])


def _drifts(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The worst first."""
    found = [{**each, "signal": signal} for signal in _SIGNALS for each in result[signal]]
    return sorted(found, key=lambda each: (not each["is_violated"], -each["population_stability_index"]))


def _tell(result: Mapping[str, Any], output: Output) -> None:
    window = f"{result['rows']:,} rows from {result['window_start']} to {result['window_end']}"
    output.document(result, f"{result['deployment']}, {result['model']}: {result['status']}", window)
    drifts = [
        (
            each["feature"],
            each["signal"],
            f"{each['population_stability_index']:.3f}",
            f"{each['jensen_shannon_distance']:.3f}",
            each["compared_with"],
            _mark(each),
        )
        for each in _drifts(result)
    ]
    if drifts:
        output.table(result, ("feature", "signal", "index", "distance", "compared with", ""), drifts, "")
    measured = [
        (each["metric"], f"{each['value']:.4g}", f"{each['rows']:,}", _mark(each))
        for each in result["model_performance"]
    ]
    if measured:
        output.table(result, ("metric", "value", "rows", ""), measured, "")


def _mark(found: Mapping[str, Any]) -> str:
    return "violated" if found["is_violated"] else ""


def feedback(
    endpoint: EndpointName,
    file: Annotated[
        Path,
        typer.Argument(help="A table of request_id, ground_truth and, where it is not 0, row: .csv, .jsonl, .parquet."),
    ],
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Tells an endpoint what turned out to be right, by the x-request-id of each answer. The same twice counts once."""
    truths = ground_truth.read(file)
    app = open_app(profile, Role.SCORE)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=ERRORS, transient=True, disable=not ERRORS.is_terminal) as progress:
        bar = progress.add_task(f"send {file.name}", total=len(truths))
        told = ground_truth.tell(app, endpoint, truths, lambda sent: progress.update(bar, completed=sent))
    others = "" if told.kept == told.accepted else "; the requests of the others were not sampled"
    line = f"{endpoint}: {told.accepted:,} rows accepted, {told.kept:,} of them kept{others}"
    Output(as_json).document(told._asdict(), line)
