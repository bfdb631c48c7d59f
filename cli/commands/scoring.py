"""Rows scored by an endpoint, from a file or standard input, in any of its protocols."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.errors import USAGE, CommandError
from cli.options import AsJson, EndpointName, ProfileName, open_app
from cli.output import Output
from cli.publishing import golden
from cli.publishing.golden import Protocol
from shared.auth.access import Role

_MOST_BYTES: Final = 100_000_000
_TYPES: Final = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
_TOLD: Final = ("azureml-model-deployment", "x-slipway-model", "x-request-id")


def score(
    endpoint: EndpointName,
    file: Annotated[str, typer.Argument(help="A request: JSON, for mlflow also .csv; - for standard input.")] = "-",
    protocol: Annotated[Protocol, typer.Option(help="Whose words the request is in.")] = Protocol.AZUREML,
    deployment: Annotated[str | None, typer.Option(help="Pins a deployment, also one at 0 percent.")] = None,
    model: Annotated[str | None, typer.Option(help="Names one model of a package of many.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="Keep request and answer as a golden request, as golden/two-rows.json.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Record over what is there.")] = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Scores a request, and prints the answer; who answered goes to standard error."""
    if force and record is None:
        raise CommandError("Usage", "--force is for --record: say what to record", USAGE)
    headers = {"Content-Type": _TYPES.get(Path(file).suffix, "application/json")}
    if deployment and protocol != Protocol.OIP:
        headers["azureml-model-deployment"] = deployment
    if model:
        headers["x-slipway-model"] = model
    body = _read(file)
    if record is not None:
        golden.check_recordable(record, headers["Content-Type"], body, force)
    app = open_app(profile, Role.SCORE)
    reply = app.ask("POST", *_path(endpoint, protocol, deployment), data=body, headers=headers, mark=_TOLD[0])
    if record is not None:
        golden.record(record, protocol, model, body, reply.content)
        print(f"recorded {record}", file=sys.stderr)
    if as_json:
        answered = {name: reply.headers[name] for name in _TOLD if name in reply.headers}
        Output(as_json).document({"predictions": _parsed(reply.content), "answered": answered})
        return
    told = ", ".join(f"{name}: {reply.headers[name]}" for name in _TOLD if name in reply.headers)
    print(told, file=sys.stderr)
    print(reply.text)


def _path(endpoint: str, protocol: Protocol, deployment: str | None) -> tuple[str, ...]:
    if protocol == Protocol.OIP:
        return ("v2", "models", endpoint, *(("versions", deployment) if deployment else ()), "infer")
    return ("endpoints", endpoint, "score" if protocol == Protocol.AZUREML else "invocations")


def _read(file: str) -> bytes:
    """Raises CommandError."""
    try:
        if file == "-":
            return sys.stdin.buffer.read(_MOST_BYTES)
        path = Path(file)
        if path.stat().st_size > _MOST_BYTES:
            raise CommandError("PayloadTooLarge", f"{file} is larger than a request may be: submit it as a job")
        return path.read_bytes()
    except OSError as error:
        raise CommandError("MalformedRequest", f"{file} cannot be read: {error.strerror}") from None


def _parsed(content: bytes) -> Any:
    import orjson

    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode(errors="replace")
