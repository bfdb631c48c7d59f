"""Who the caller is to the app."""

from typing import Annotated

import typer

from cli import credentials
from cli.options import AsJson, ProfileName, open_profile
from cli.output import Output
from shared.auth.access import Role


def token(
    role: Annotated[list[Role] | None, typer.Option(help="For a local issuer: with this role; all without.")] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Prints a bearer token for the app: of azure-identity, or of the local issuer where the profile names one."""
    made = credentials.token(open_profile(profile), tuple(role or Role))
    Output(as_json).document({"access_token": made, "token_type": "Bearer"}, made)
