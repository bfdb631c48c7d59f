"""What a command says: tables and lines for people, or one JSON document on standard output for programs."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import orjson
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from cli.errors import CommandError

# Progress and errors go here, so that standard output holds the answer alone.
ERRORS: Final = Console(stderr=True, highlight=False)


def waiting(what: str) -> Status:
    """Goes on being seen while libraries are kept quiet, and what they write with them."""
    return Console(file=sys.stderr, highlight=False).status(what)


class Output:
    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(highlight=False)

    def document(self, document: Any, *lines: str) -> None:
        """`document` for programs, `lines` for people."""
        if self.as_json:
            write_json(document)
            return
        for line in lines:
            self.console.print(line, soft_wrap=True, markup=False)

    def table(self, document: Any, headings: Sequence[str], rows: Sequence[Sequence[object]], nothing: str) -> None:
        """`nothing`: what people are told where there are no rows."""
        if self.as_json:
            write_json(document)
            return
        if not rows:
            self.console.print(nothing, soft_wrap=True, markup=False)
            return
        table = Table(box=None, pad_edge=False)
        for number, heading in enumerate(headings):
            # Names come first, and are copied from here.
            table.add_column(heading, overflow="fold", no_wrap=number == 0)
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        self.console.print(table)


def write_json(document: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def tell_error(error: CommandError, as_json: bool) -> None:
    """One line; with `--json` a document of the app's own form, on standard error as well."""
    message = error.message.encode(errors="replace").decode()  # a file's name may be no text
    if as_json:
        document = {"error": {"code": error.code, "message": message}}
        sys.stderr.buffer.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
        sys.stderr.buffer.flush()
        return
    print(f"slipway: {' '.join(message.split())}", file=sys.stderr)
