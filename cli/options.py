"""Options that many commands share, and what they are made into."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli import credentials, profiles
from cli.client import App
from cli.errors import CommandError
from cli.profiles import PROFILE_VARIABLE, Profile
from shared.auth.access import Role

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, errors too.")]
ProfileName = Annotated[
    str | None,
    typer.Option("--profile", "-p", help=f"Which profile of slipway.yaml; else {PROFILE_VARIABLE}, else its default."),
]
EndpointName = Annotated[str, typer.Argument(help="The endpoint's name.")]


def pairs(given: Sequence[str], example: str) -> dict[str, str]:
    """Of options such as --set. Raises CommandError for one that is not written as `example`."""
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise CommandError("MalformedRequest", f"'{each}' says nothing: write it as {example}")
        found[name] = value
    return found


def open_profile(name: str | None) -> Profile:
    """Raises ConfigurationError."""
    return profiles.check_filled(profiles.read(profiles.find_file(Path.cwd()), name)[1])


def open_app(name: str | None, *roles: Role) -> App:
    """`roles`: that the commands needs; a local issuer gives no others."""
    profile = open_profile(name)
    return App(profile.app_url, lambda: credentials.token(profile, roles))
