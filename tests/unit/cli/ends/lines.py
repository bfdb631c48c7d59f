"""Every command with a line that it could do its work with, and what that line needs. A new command needs one too."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from cli.app import program

PROMOTE: Final = ("--from", "dev", "--to", "dev2")


class Line(NamedTuple):
    """`reads`: the argument that names a file. `asks`: the app, with a token. `changes`: something there."""

    words: tuple[str, ...]
    reads: str = ""
    asks: bool = True
    changes: bool = False


LINES: Final = {
    "advise": Line(("answers.yaml",), reads="answers.yaml", asks=False),
    "init": Line(("new.yaml",), asks=False),
    "validate": Line(("endpoint.yaml",), reads="endpoint.yaml", asks=False),
    "publish": Line(("endpoint.yaml",), reads="endpoint.yaml", changes=True),
    "promote": Line(("flowers", *PROMOTE, "--file", "endpoint.yaml"), reads="endpoint.yaml", changes=True),
    "list": Line(()),
    "show": Line(("flowers",)),
    "score": Line(("flowers", "request.json"), reads="request.json"),
    "submit": Line(("flowers", "inbox/flowers/rows.csv", "--watch"), changes=True),
    "jobs": Line(("flowers",)),
    "job": Line(("flowers", "j1", "--watch")),
    "cancel": Line(("flowers", "j1"), changes=True),
    "retry": Line(("flowers", "j1", "--watch"), changes=True),
    "monitor": Line(("flowers",)),
    "feedback": Line(("flowers", "truth.csv"), reads="truth.csv", changes=True),
    "rollback": Line(("flowers", "1"), changes=True),
    "delete": Line(("flowers", "--yes"), changes=True),
    "audit": Line(("flowers",)),
    "token": Line((), asks=False),
    "doctor": Line((), asks=False),
    "traffic set": Line(("flowers", "blue=100"), changes=True),
    "import azureml": Line(("azureml.yml", "--write", "imported.yaml"), reads="azureml.yml", asks=False),
    "keys rotate": Line(("flowers",), changes=True),
}
ASKING: Final = [name for name, line in LINES.items() if line.asks]
PROFILED: Final = [*ASKING, "token"]
"""Those that end with what is wrong with slipway.yaml; the doctor tells it as a finding."""


def words(command: str) -> tuple[str, ...]:
    return (*command.split(), *LINES[command].words)


def commands() -> Iterator[str]:
    """As the command line has them."""

    def below(group: Any, path: tuple[str, ...]) -> Iterator[str]:
        for name, child in group.commands.items():
            if hasattr(child, "commands"):
                yield from below(child, (*path, name))
            else:
                yield " ".join((*path, name))

    yield from below(program, ())
