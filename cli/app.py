"""The command line: every command by its name, and how each of them ends."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import typer
import typer.main
from azure.core.exceptions import AzureError

from cli.commands import access, advising, endpoints, importing, jobs, monitoring, promoting, publishing, scoring
from cli.endpoint_file import Invalid
from cli.endpoint_file import told as file_told
from cli.errors import STOPPED, USAGE, CommandError, told
from cli.output import tell_error
from shared.errors import SlipwayError

_STOPPED: Final = CommandError("Stopped", "stopped", STOPPED)
_TOLD: Final = (
    CommandError, SlipwayError, AzureError, OSError, typer.TyperException, typer.Abort, KeyboardInterrupt
)  # fmt: skip

app: Final = typer.Typer(
    name="slipway",
    help="Machine-learning models in production on Azure Functions.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
traffic: Final = typer.Typer(help="Live traffic.")
keys: Final = typer.Typer(help="The keys of an endpoint.")
imports: Final = typer.Typer(help="Endpoints of others.")

_COMMANDS: Final[Mapping[str, Callable[..., None]]] = {
    "advise": advising.advise,
    "init": publishing.init,
    "validate": publishing.validate,
    "publish": publishing.publish,
    "promote": promoting.promote,
    "list": endpoints.list_endpoints,
    "show": endpoints.show,
    "score": scoring.score,
    "submit": jobs.submit,
    "jobs": jobs.list_jobs,
    "job": jobs.show_job,
    "cancel": jobs.cancel,
    "retry": jobs.retry,
    "monitor": monitoring.monitor,
    "feedback": monitoring.feedback,
    "rollback": endpoints.rollback,
    "delete": endpoints.delete,
    "audit": endpoints.audit,
    "token": access.token,
    "doctor": access.doctor,
}
for name, command in _COMMANDS.items():
    app.command(name)(command)
traffic.command("set")(endpoints.set_traffic)
keys.command("rotate")(endpoints.rotate_key)
imports.command("azureml")(importing.azureml)
app.add_typer(traffic, name="traffic")
app.add_typer(imports, name="import")
app.add_typer(keys, name="keys")
program: Final = typer.main.get_command(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command, and returns its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        ended = program(given, prog_name="slipway", standalone_mode=False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on, as with `| head`
        return 0
    except Invalid as error:
        if "--json" in given:
            return _end(told(error), given)
        problems = [CommandError(error.code, file_told(error.path, each)) for each in error.problems]
        return [_end(each, given) for each in problems][-1]
    except _TOLD as error:
        return _end(_told(error), given)
    return _end(_STOPPED, given) if ended == STOPPED else int(ended or 0)


def _told(error: BaseException) -> CommandError:
    match error:
        case CommandError() | SlipwayError() | AzureError():
            return told(error)
        case OSError():
            return CommandError("Failed", f"{error.filename or 'this machine'}: {error.strerror or error}")
        case typer.TyperException():
            return CommandError("Usage", error.format_message().replace("Value error, ", ""), USAGE)
    return _STOPPED


def _end(error: CommandError, given: Sequence[str]) -> int:
    tell_error(error, as_json="--json" in given)
    return error.exit_code
