"""Endpoints of others, turned into an endpoint file."""

from pathlib import Path
from typing import Annotated

import typer

from cli.errors import CommandError
from cli.importing.azureml import import_azureml
from cli.options import AsJson
from cli.output import Output


def azureml(
    files: Annotated[list[Path], typer.Argument(help="Endpoint and deployment files of Azure ML, online and batch.")],
    write: Annotated[Path, typer.Option(help="The endpoint file to write.")] = Path("endpoint.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Turns Azure ML's YAML files into an endpoint file, and lists what has no counterpart."""
    found = import_azureml(files)
    if write.exists() and not force:
        raise CommandError("InvalidTransition", f"{write} is there already: use --force, or --write another file")
    write.write_text(found.text, encoding="utf-8")
    output = Output(as_json)
    document = {
        "written": str(write),
        "mapped": [each._asdict() for each in found.mapped],
        "unmapped": [each._asdict() for each in found.unmapped],
    }
    output.document(document, f"wrote {write}: {len(found.mapped)} fields taken over")
    if not as_json and found.unmapped:
        rows = [(each.file, each.field, each.value, each.instead) for each in found.unmapped]
        output.table(document, ("file", "field", "value", "instead"), rows, "")
