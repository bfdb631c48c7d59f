"""Ground truth in a table, and how it is told to an endpoint."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from cli.client import App
from cli.errors import CommandError
from cli.sources import sample
from shared.errors import MalformedRequest, PayloadTooLarge
from shared.monitoring.feedback import MOST_TRUTHS, Feedback, Truth

_MOST_ROWS: Final = 1_000_000
_NEEDED: Final = ("request_id", "ground_truth")
_MEANT: Final = {
    "request_id": "a text of up to 100 characters",
    "row": "a whole number from 0",
    "ground_truth": "a number, a truth value or a text of up to 100 characters",
}


class Told(NamedTuple):
    """Rows. `kept`: those whose request was sampled."""

    accepted: int
    kept: int


def read(path: Path) -> list[Truth]:
    """Of a table with the columns request_id and ground_truth, and row where requests have several rows.

    Raises MalformedRequest.
    """
    table = sample.read(path, _MOST_ROWS, texts=("request_id",))
    if table.is_cut:
        raise MalformedRequest(f"{table.file} holds more than {_MOST_ROWS:,} rows: give it in parts")
    if lacking := [name for name in _NEEDED if name not in table.rows]:
        told = f"{table.file} has no column {', '.join(lacking)}: it needs {', '.join(_NEEDED)}"
        raise MalformedRequest(f"{told}, and row where a request had several rows")
    names = [name for name in _MEANT if name in table.rows]
    rows = table.rows[names].astype(object)
    values = rows.where(rows.notna(), None).itertuples(index=False, name=None)
    return [_truth(table.file, number, dict(zip(names, each, strict=True))) for number, each in enumerate(values, 1)]


def _truth(file: str, number: int, fields: dict[str, Any]) -> Truth:
    """`number`: of the row in the table, from 1."""
    for name, value in fields.items():
        if value is None or (isinstance(value, str) and not value):
            raise MalformedRequest(f"{file}, row {number}: {name} is missing")
    try:
        return Truth.model_validate(fields)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise MalformedRequest(f"{file}, row {number}: {name} must be {_MEANT[name]}") from None


def tell(app: App, endpoint: str, truths: Sequence[Truth], progress: Callable[[int], None]) -> Told:
    """In parts that the app takes. `progress`: is told how many rows have been sent. Raises CommandError."""
    sent, kept, size = 0, 0, MOST_TRUTHS
    while sent < len(truths):
        part = truths[sent : sent + size]
        body = Feedback(feedback=tuple(part)).model_dump(mode="json")
        try:
            reply = app.document("POST", "endpoints", endpoint, "feedback", json=body)
        except CommandError as error:
            if error.code != PayloadTooLarge.code or len(part) == 1:
                raise _broken_off(error, sent, len(truths)) from None
            size = len(part) // 2  # how much it takes is a setting of the app's
            continue
        sent, kept = sent + len(part), kept + reply["kept"]
        progress(sent)
    return Told(sent, kept)


def _broken_off(error: CommandError, sent: int, total: int) -> CommandError:
    if not sent:
        return error
    told = f"{error.message} ({sent:,} of {total:,} rows were sent: send all again, what is told twice counts once)"
    return CommandError(error.code, told, error.exit_code)
