"""What stands between this machine and an app: looked at one after the other, each with what mends it."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import requests
from azure.core.exceptions import AzureError, HttpResponseError

from cli import credentials, profiles
from cli.client import App
from cli.errors import CommandError
from cli.profiles import Profile
from shared.auth.access import Role
from shared.errors import SlipwayError
from shared.ports import Container

_TIMEOUT_S: Final = 15
# What tokens are forgiven, and storage's signatures too.
_MOST_SKEW_S: Final = 240
_PYTHON: Final = (3, 13)


class Finding(NamedTuple):
    """`mend`: what to do where it is not good; "" where it is."""

    what: str
    good: bool
    told: str
    mend: str = ""


def diagnose(start: Path, name: str | None) -> Iterator[Finding]:
    """Stops where what is not good makes all that would come after it pointless."""
    yield _python()
    try:
        file = profiles.find_file(start)
        called, found = profiles.read(file, name)
        profile = profiles.check_filled(found)
    except SlipwayError as error:
        yield Finding("profile", False, error.message, "slipway init")
        return
    yield Finding("profile", True, f"{called} of {file}")
    reply, app = _app(profile)
    yield app
    if reply is not None:
        yield _clock(reply)
        yield from _readiness(profile)
    token, identity = _identity(profile)
    yield identity
    if token is not None and reply is not None:
        yield from _roles(profile, token)
    if profile.storage:
        yield from _storage(profile)
    else:
        yield Finding("storage", False, "the profile names none: models cannot be published", "set its storage")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info[:2] == _PYTHON
    return Finding("python", good, version, "" if good else "install Python 3.13, and run `make setup`")


def _app(profile: Profile) -> tuple[requests.Response | None, Finding]:
    address = f"{profile.app_url.rstrip('/')}/health/live"
    try:
        reply = requests.get(address, timeout=_TIMEOUT_S)
    except (requests.RequestException, ValueError):
        mend = "start it, or set app_url to its address"
        return None, Finding("app", False, f"{profile.app_url} does not answer", mend)
    if reply.ok and reply.content == b'{"live":true}':
        return reply, Finding("app", True, f"{profile.app_url} answers")
    told = f"{profile.app_url} answers {reply.status_code}, and not as the app does"
    return None, Finding("app", False, told, "set app_url to the app's address, and publish the app there")


def _clock(reply: requests.Response) -> Finding:
    try:
        theirs = parsedate_to_datetime(reply.headers["Date"]).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return Finding("clock", True, "the app does not tell the time")
    skew_s = (datetime.now(UTC) - theirs).total_seconds()
    good = abs(skew_s) <= _MOST_SKEW_S
    told = f"{abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} the app"
    return Finding("clock", good, told, "" if good else "set this machine's clock by a time server")


def _readiness(profile: Profile) -> Iterator[Finding]:
    try:
        reply = requests.get(f"{profile.app_url.rstrip('/')}/health/ready", timeout=_TIMEOUT_S)
    except (requests.RequestException, ValueError):
        yield Finding("app's settings", False, "the app stopped answering", "look at its log")
        return
    if reply.ok:
        yield Finding("app's settings", True, "it is ready: settings and storage are good")
        return
    mend = "look at its log for 'not ready': it names the setting, or the role that its identity lacks"
    yield Finding("app's settings", False, "the app is not ready", mend)


def _identity(profile: Profile) -> tuple[str | None, Finding]:
    try:
        token = credentials.token(profile)
    except SlipwayError as error:
        scope = f"{profile.audience}/.default"
        mend = "make serve" if profile.local_issuer else f"az login --scope {scope}"
        return None, Finding("identity", False, error.message, mend)
    return token, Finding("identity", True, credentials.holder(token) or "a token that does not say whose it is")


def _roles(profile: Profile, token: str) -> Iterator[Finding]:
    app = App(profile.app_url, lambda: token)
    asked: dict[str, Callable[[], Any]] = {
        Role.READ: lambda: app.get("endpoints"),
        # Refused for its body by those who let the caller in, and changes nothing.
        Role.MANAGE: lambda: app.ask("POST", "endpoints", "doctor", "rollback", json={}),
    }
    for role, ask in asked.items():
        try:
            ask()
        except CommandError as error:
            if error.code == "MalformedRequest":
                yield Finding(f"role {role}", True, "held")
                continue
            mend = f"assign the app role {role} to this identity in Entra, and sign in again"
            yield Finding(f"role {role}", False, error.message, mend)
        else:
            yield Finding(f"role {role}", True, "held")


def _storage(profile: Profile) -> Iterator[Finding]:
    account = "the account" if "=" in profile.storage else profile.storage
    try:
        with credentials.storage(profile) as service:
            container = service.get_container_client(Container.MODELS.value)
            if not container.exists():
                yield Finding("storage", True, f"{account} answers; models are not there yet")
                return
            next(iter(container.list_blob_names(results_per_page=1)), None)
    except HttpResponseError as error:
        scope = f"<{account}>/blobServices/default/containers/{Container.MODELS}"
        mend = f"az role assignment create --role 'Slipway Publisher …' --assignee <you> --scope {scope}"
        yield Finding("storage", False, f"{account} answers {error.status_code}", mend)
    except (AzureError, SlipwayError) as error:
        told = error.message if isinstance(error, SlipwayError) else f"{account} does not answer"
        yield Finding("storage", False, str(told), "set the profile's storage to the app's data account")
    else:
        yield Finding("storage", True, f"{account} lets you in")
