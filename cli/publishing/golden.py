"""Golden requests: what an endpoint was asked and has answered, kept beside its file and asked of each new model."""

from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from pydantic import ValidationError

from cli.errors import CommandError
from shared.documents import Document

FOLDER: Final = "golden"
_SUFFIX: Final = ".json"
_JSON: Final = "application/json"


class Protocol(StrEnum):
    AZUREML = "azureml"
    MLFLOW = "mlflow"
    OIP = "oip"


class Golden(Document):
    """`model`: the header x-slipway-model, where the request had one. `request`, `response`: the bodies."""

    schema_version: Literal[1]
    protocol: Protocol
    content_type: str = _JSON
    model: str | None = None
    request: Any
    response: Any


def read_all(named: Path | None, base: Path) -> dict[str, Golden]:
    """By file, such as `golden/two-rows.json`. Without `named`, those of the folder `golden` in `base`, if there are.

    Raises CommandError.
    """
    folder = named or base / FOLDER
    found = {f"{folder.name}/{path.name}": path for path in sorted(folder.glob(f"*{_SUFFIX}"))}
    if named is not None and not found:
        reason = "holds no golden request" if named.is_dir() else "is no folder"
        raise CommandError("MalformedRequest", f"{named} {reason}: `slipway score … --record` makes them")
    return {name: _read(name, path) for name, path in found.items()}


def _read(name: str, path: Path) -> Golden:
    try:
        return Golden.model_validate(orjson.loads(path.read_bytes()))
    except OSError as error:
        raise CommandError("MalformedRequest", f"{name} cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError:
        raise _broken(name, "it is not JSON") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise _broken(name, f"{field}: {first['msg']}" if field else "it is no JSON object") from None


def _broken(name: str, reason: str) -> CommandError:
    return CommandError(
        "MalformedRequest", f"{name} is no golden request, record it again with `slipway score … --record`: {reason}"
    )


def check_recordable(path: Path, content_type: str, body: bytes, force: bool) -> None:
    """Before the endpoint is asked. Raises CommandError."""
    if path.suffix != _SUFFIX:
        raise CommandError(
            "MalformedRequest", f"{path} would not be found again: give it a name that ends in {_SUFFIX}"
        )
    if path.exists() and not force:
        raise CommandError("InvalidTransition", f"{path} is there already: use --force to record it anew")
    if content_type != _JSON:
        raise CommandError("MalformedRequest", f"a request of {content_type} cannot be recorded: write it as JSON")
    _parsed(body, "the request")


def record(path: Path, protocol: Protocol, model: str | None, request: bytes, response: bytes) -> None:
    """Raises CommandError when one of the two is no JSON."""
    golden = Golden(
        schema_version=1,
        protocol=protocol,
        model=model,
        request=_parsed(request, "the request"),
        response=_parsed(response, "the answer"),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        orjson.dumps(golden.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )


def _parsed(body: bytes, what: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise CommandError("MalformedRequest", f"{what} is not JSON, and cannot be recorded") from None
