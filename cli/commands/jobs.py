"""Batch jobs: submitted, watched, listed, canceled and retried."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli import credentials
from cli.client import App
from cli.errors import JOB_FAILED, NOT_ALLOWED, REFUSED, CommandError
from cli.options import AsJson, EndpointName, ProfileName, open_app, open_profile, pairs
from cli.output import ERRORS, Output
from shared.auth.access import Role
from shared.ports import Container

_LOOK_EVERY_S: Final = 1.0
_OVER: Final = ("Completed", "Failed", "Canceled")
_LOCATION: Final = re.compile(r"(https://|inbox/).+")
_FOLDER_MARKS: Final = ("*", "?")

JobId = Annotated[str, typer.Argument(help="The job's id.")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Wait for its end, and show how far it is.")]


def submit(
    endpoint: EndpointName,
    source: Annotated[
        str, typer.Argument(help="A blob or folder, as inbox/… or https://…; or a local file, which is uploaded.")
    ],
    watch: Watch = False,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="One job's own setting, as miniBatchSize=1000; may be repeated.")
    ] = None,
    deployment: Annotated[str | None, typer.Option(help="Pins a deployment.")] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Submits a batch job; with --watch waits for its end (exit code 5 where it fails)."""
    settings = {name: _value(text) for name, text in pairs(setting or [], "miniBatchSize=1000").items()}
    app = open_app(profile, Role.BATCH, Role.READ)
    headers = {"Idempotency-Key": str(uuid4()), **({"azureml-model-deployment": deployment} if deployment else {})}
    is_there = _LOCATION.fullmatch(source)
    with nullcontext(source) if is_there else _uploaded(endpoint, Path(source), profile) as location:
        is_folder = location.endswith("/") or any(mark in location for mark in _FOLDER_MARKS)
        given = {"JobInputType": "UriFolder" if is_folder else "UriFile", "Uri": location}
        body = {"properties": {"InputData": {"input": given}, **settings}}
        job = app.document("POST", "endpoints", endpoint, "jobs", json=body, headers=headers)
    _tell(app, job, watch, Output(as_json))


@contextmanager
def _uploaded(endpoint: str, file: Path, profile: str | None) -> Iterator[str]:
    """In a folder of its own, under a name that begins with `_`: so it is no drop, which would be another job.

    Taken back where the app refuses the job; where it only does not answer, there may be one that reads it.

    Raises CommandError, ConfigurationError.
    """
    if not file.is_file():
        raise CommandError("MalformedRequest", f"{file} is neither a file here, nor inbox/… or https://…")
    name = f"{endpoint}/submitted/{uuid4().hex}/_{file.name}"
    with credentials.storage(open_profile(profile)) as account, file.open("rb") as data:
        inbox = account.get_container_client(Container.INBOX.value)
        if not inbox.exists():  # on a new machine; in Azure it comes with the account
            inbox.create_container()
        blob = inbox.upload_blob(name, data, overwrite=False)
        try:
            yield f"{Container.INBOX.value}/{name}"
        except CommandError as error:
            if error.exit_code in (REFUSED, NOT_ALLOWED):
                blob.delete_blob()
            raise


def _value(text: str) -> Any:
    """JSON where it can be read so, else text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def list_jobs(
    endpoint: EndpointName,
    status: Annotated[str | None, typer.Option(help="Only those in this status; several with commas.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=100, help="So many jobs.")] = 20,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Lists the jobs of an endpoint, newest first."""
    query = {"$top": str(most), **({"status": status} if status else {})}
    found = open_app(profile, Role.READ).get("endpoints", endpoint, "jobs", **query)["value"]
    rows = [(job["id"], job["status"], _rows(job), job["created_at"], _reason(job) or job["output"]) for job in found]
    headings = ("job", "status", "rows", "submitted", "output")
    Output(as_json).table(found, headings, rows, "There is no such job.")


def _rows(job: dict[str, Any]) -> str:
    counts = job["counts"]
    return f"{counts['predicted']:,} of {counts['rows']:,}" if counts else ""


def _reason(job: dict[str, Any]) -> str:
    return str(job["error"]["message"]) if job["error"] else ""


def show_job(
    endpoint: EndpointName, job: JobId, watch: Watch = False, profile: ProfileName = None, as_json: AsJson = False
) -> None:
    """Shows one job; with --watch until its end."""
    app = open_app(profile, Role.READ)
    _tell(app, app.get("endpoints", endpoint, "jobs", job), watch, Output(as_json))


def cancel(endpoint: EndpointName, job: JobId, profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Cancels a job; nothing of it becomes visible."""
    path = ("endpoints", endpoint, "jobs", job, "cancel")
    told = open_app(profile, Role.BATCH).document("POST", *path)
    Output(as_json).document(told, f"job {job}: {told['status']}")


def retry(
    endpoint: EndpointName, job: JobId, watch: Watch = False, profile: ProfileName = None, as_json: AsJson = False
) -> None:
    """Goes on where a job has failed, or starts a canceled one anew."""
    app = open_app(profile, Role.BATCH, Role.READ)
    told = app.document("POST", "endpoints", endpoint, "jobs", job, "retry")
    _tell(app, told, watch, Output(as_json))


def _tell(app: App, job: dict[str, Any], watch: bool, output: Output) -> None:
    """Raises CommandError where it has waited for a job that failed."""
    if watch:
        job = _watched(app, job)
    lines = [f"job {job['id']}: {job['status']}"]
    if job["counts"]:
        counts = job["counts"]
        lines.append(f"{counts['rows']:,} rows: {counts['predicted']:,} predicted, {counts['rejected']:,} rejected")
    if job["status"] == "Completed":
        lines.append(f"predictions are in {job['output']}")
    output.document(job, *lines)
    if watch and job["status"] != "Completed":
        raise CommandError(f"Job{job['status']}", _reason(job) or f"the job is {job['status']}", JOB_FAILED)


def _watched(app: App, job: dict[str, Any]) -> dict[str, Any]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=ERRORS, transient=True, disable=not ERRORS.is_terminal) as progress:
        bar = progress.add_task(job["status"], total=None, pace="")
        while True:
            told = app.get("endpoints", job["endpoint"], "jobs", job["id"])
            done = told["progress"]
            progress.update(
                bar, description=told["status"], total=done["rows"] or None, completed=done["rows_done"],
                pace=_pace(done),
            )  # fmt: skip
            if told["status"] in _OVER:
                return dict(told)
            time.sleep(_LOOK_EVERY_S)


def _pace(done: dict[str, Any]) -> str:
    if not done["rows_per_s"]:
        return ""
    left_s = (datetime.fromisoformat(done["eta"]) - datetime.now(UTC)).total_seconds() if done["eta"] else 0.0
    return f"{done['rows_per_s']:,.0f} rows/s, {max(0.0, left_s):,.0f} s to go"
