"""Who the caller is to the app, and what stands between the two."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cli import credentials, diagnosis
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


def doctor(profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Looks at profile, app, clock, identity, roles and storage: what is wrong, and what mends it."""
    output, findings = Output(as_json), []
    for finding in diagnosis.diagnose(Path.cwd(), profile):
        findings.append(finding)
        if not as_json:
            mark = "[green]good[/green] " if finding.good else "[red]wrong[/red]"
            output.console.print(f"{mark} {finding.what}: {escape(finding.told)}", soft_wrap=True)
            if finding.mend:
                output.console.print(f"      {finding.mend}", soft_wrap=True, markup=False)
    good = all(each.good for each in findings)
    output.document({"good": good, "findings": [each._asdict() for each in findings]})
    if not good:
        raise typer.Exit(1)
