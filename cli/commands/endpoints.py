"""Endpoints as they are: listed, shown, and changed in what changes without a new revision."""

import re
from typing import Annotated, Any

import typer

from cli.errors import CommandError
from cli.options import AsJson, EndpointName, ProfileName, open_app
from cli.output import Output
from shared.auth.access import Role
from shared.endpoints.callers import KeyType

_SHARE = re.compile(r"([A-Za-z][-A-Za-z0-9]*)=([0-9]{1,3})%?")

Shares = Annotated[list[str], typer.Argument(help="Percent by deployment, as blue=90 green=10.")]


def list_endpoints(profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Lists the endpoints of the app, with their traffic."""
    found = open_app(profile, Role.READ).get("endpoints")["value"]
    rows = [(each["name"], each["revision"], shares(each["traffic"]), each["updated_at"]) for each in found]
    headings = ("endpoint", "revision", "traffic", "changed")
    Output(as_json).table(found, headings, rows, "There is no endpoint yet: `slipway publish` makes the first.")


def show(endpoint: EndpointName, profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Shows an endpoint: its deployments, their models, traffic, and how they stand on the instance that answers."""
    found = open_app(profile, Role.READ).get("endpoints", endpoint)
    head, revision, status = found["head"], found["revision"], found["status"]
    rows = []
    for name, deployment in revision["deployments"].items():
        model, state = deployment["model"], status[name]
        told = f"{state['state']} {state['error']}".strip()
        rows.append((name, f"{head['traffic'].get(name, 0)} %", f"{model['name']}/{model['version']}", told))
    output = Output(as_json)
    if not as_json:
        output.console.print(
            f"{endpoint}, revision {head['revision']}, changed {head['updated_at']} by {head['updated_by']}"
        )
    output.table(found, ("deployment", "traffic", "model", "status"), rows, "")


def set_traffic(endpoint: EndpointName, split: Shares, profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Moves live traffic between the deployments of an endpoint."""
    body = {"traffic": parse_shares(split)}
    reply = open_app(profile, Role.MANAGE).document("PUT", "endpoints", endpoint, "traffic", json=body)
    Output(as_json).document(reply["head"], f"{endpoint}: {shares(reply['head']['traffic'])}")


def rotate_key(
    endpoint: EndpointName,
    key_type: Annotated[str, typer.Argument(help="primary or secondary; the other one stays good.")] = "primary",
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Makes a new key and prints it, once: nobody can read it again."""
    kind: KeyType = "secondary" if key_type == "secondary" else "primary"
    if key_type != kind:
        raise CommandError("MalformedRequest", f"'{key_type}' is no key: say primary or secondary")
    body = {"key_type": kind}
    made = open_app(profile, Role.MANAGE).document("POST", "endpoints", endpoint, "keys", json=body)
    Output(as_json).document(made, made["key"])


def rollback(
    endpoint: EndpointName,
    revision: Annotated[int | None, typer.Argument(help="Which; the one before the current without.")] = None,
    traffic: Annotated[list[str] | None, typer.Option(help="Traffic with it, as blue=100; may be repeated.")] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Makes an earlier revision current again. Traffic stays as it is unless it is given."""
    app = open_app(profile, Role.MANAGE)
    seen = {}
    if revision is None:  # counted from the current one, which must be so still
        seen["If-Match"] = app.etag(app.ask("GET", "endpoints", endpoint))
        revision = _previous(app.get("endpoints", endpoint, "revisions")["value"], endpoint)
    body = {"revision": revision, **({"traffic": parse_shares(traffic)} if traffic else {})}
    reply = app.document("POST", "endpoints", endpoint, "rollback", json=body, headers=seen)
    head = reply["head"]
    Output(as_json).document(head, f"{endpoint} is at revision {head['revision']} again: {shares(head['traffic'])}")


def _previous(revisions: list[dict[str, Any]], endpoint: str) -> int:
    current = next(each["number"] for each in revisions if each["current"])
    earlier = [int(each["number"]) for each in revisions if each["number"] < current]
    if not earlier:
        raise CommandError("InvalidTransition", f"endpoint '{endpoint}' has no revision before {current}")
    return max(earlier)


def delete(
    endpoint: EndpointName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Deletes an endpoint that takes no traffic. Its models, revisions and audit stay."""
    if not yes and not as_json and not typer.confirm(f"Delete the endpoint {endpoint}?"):
        raise CommandError("Stopped", "nothing was deleted")
    reply = open_app(profile, Role.MANAGE).document("DELETE", "endpoints", endpoint)
    Output(as_json).document(reply, f"{endpoint} is deleted")


def audit(
    endpoint: EndpointName,
    most: Annotated[int, typer.Option("--most", min=1, max=100, help="So many changes.")] = 20,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Lists who changed an endpoint, what, when and from where, newest first."""
    query = {"$top": str(most)}
    found = open_app(profile, Role.READ).get("endpoints", endpoint, "audit", **query)["value"]
    rows = [(each["at"], each["change"], _changed(each), each["by"], each["address"], each["agent"]) for each in found]
    headings = ("when", "change", "what", "who", "from", "with")
    Output(as_json).table(found, headings, rows, f"Nothing was ever changed in an endpoint {endpoint}.")


def _changed(entry: dict[str, Any]) -> str:
    before, after = entry["before"] or {}, entry["after"] or {}
    told = []
    if before.get("revision") != after.get("revision"):
        told.append(f"revision {before.get('revision', '-')} → {after.get('revision', '-')}")
    if before.get("traffic") != after.get("traffic"):
        told.append(f"{shares(before.get('traffic') or {})} → {shares(after.get('traffic') or {})}")
    return ", ".join(told)


def shares(traffic: dict[str, int]) -> str:
    return " ".join(f"{name}={percent}" for name, percent in traffic.items()) or "none"


def parse_shares(split: list[str]) -> dict[str, int]:
    """Raises CommandError."""
    found: dict[str, int] = {}
    for each in split:
        share = _SHARE.fullmatch(each)
        if share is None:
            raise CommandError("MalformedRequest", f"'{each}' is no share of traffic: write it as blue=90")
        if share[1] in found:
            raise CommandError("MalformedRequest", f"{share[1]} is there twice: leave one of them")
        found[share[1]] = int(share[2])
    return found
