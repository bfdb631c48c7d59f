"""`python -m cli.reference > docs/cli.md`: every command and option, as the code has them."""

from collections.abc import Iterator
from typing import Any, Final

from cli.app import program

_HEAD: Final = """\
# Command line

`make setup` puts `slipway` into `.venv/bin`; it runs in any folder. This page is made from the code:
`python -m cli.reference > docs/cli.md`.

Where the app and its storage are, `slipway.yaml` says: the nearest one in this folder or above, or the file that
`SLIPWAY_PROFILES` names. It has one profile an environment, chosen by `--profile`, by `SLIPWAY_PROFILE`, by its
`default`, or because there is no other; `${NAME}` in it is taken from the environment.

| field | meaning |
| --- | --- |
| `app_url` | the app's address |
| `storage` | the blob address of the data account, or a connection string |
| `tenant_id` | the tenant whose tokens the app takes |
| `audience` | what tokens are asked for: the app's `SLIPWAY_AUDIENCES` |
| `local_issuer` | the token issuer of a local host; without it tokens come from azure-identity |

A token in `SLIPWAY_TOKEN` is taken as it is. With `--json` a command writes one JSON document to standard output, and
an error as `{"error": {"code": …, "message": …}}` to standard error; progress goes to standard error always.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | refused, or something in a file is wrong: the message says what to do |
| 2 | the command line itself is wrong |
| 3 | the app, storage or whoever gives tokens does not answer |
| 4 | they do not let you in |
| 5 | the job that was waited for has failed or was canceled |
| 130 | stopped by Ctrl-C |
"""


def markdown() -> str:
    return "\n".join([_HEAD, *_commands(program, "slipway")])


def _commands(command: Any, path: str) -> Iterator[str]:
    for name, child in sorted(getattr(command, "commands", {}).items()):
        if getattr(child, "commands", None):
            yield from _commands(child, f"{path} {name}")
        else:
            yield from _command(child, f"{path} {name}")


def _command(command: Any, path: str) -> Iterator[str]:
    shown = [each for each in command.params if each.name != "help"]
    arguments = [each for each in shown if each.param_type_name == "argument"]
    options = [each for each in shown if each.param_type_name == "option"]
    words = [f"[{_name(each)}]" if not each.required else _name(each) for each in arguments]
    yield f"## {path}"
    yield f"\n`{' '.join([path, *words, *(['[options]'] if options else [])])}`"
    yield f"\n{' '.join((command.help or '').split())}\n"
    if shown:
        yield "| | default | |"
        yield "| --- | --- | --- |"
        for each in arguments:
            yield f"| `{_name(each)}` | {_default(each)} | {each.help or ''} |"
        for each in options:
            yield f"| `{', '.join(each.opts)}` | {_default(each)} | {each.help or ''} |"
        yield ""


def _name(argument: Any) -> str:
    return str(argument.name).upper() + ("…" if argument.nargs == -1 else "")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    if default in (None, False, (), []) or callable(default):
        return ""
    return f"`{getattr(default, 'value', default)}`"


if __name__ == "__main__":
    print(markdown(), end="")
