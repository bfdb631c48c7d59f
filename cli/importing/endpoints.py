"""What the endpoint files of Azure ML say: who may call, how traffic is split, which deployment is for jobs. Pure."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from cli.importing.source import Source
from shared.endpoints.callers import AuthMode
from shared.errors import MalformedRequest

# In the order in which they are written.
MODES: Final[tuple[AuthMode, ...]] = ("entra", "key")
_MODES: Final[dict[str, AuthMode]] = {"key": "key", "amltoken": "entra", "aadtoken": "entra"}
_NO_DEPLOYMENT: Final = "nothing to do: it gets no traffic, and its deployment's file was not given"


class ReadAuth(NamedTuple):
    mode: AuthMode
    comment: str


class ReadTraffic(NamedTuple):
    traffic: dict[str, int]
    comment: str


class ReadDefault(NamedTuple):
    name: str
    comment: str


def read_auth(source: Source, default: AuthMode) -> ReadAuth:
    """`default`: what Azure ML does where the file says nothing."""
    written = source.take("auth_mode", "auth_mode")
    mode = _MODES[str(written).replace("_", "").lower()] if written is not None else default
    if mode == "key":
        return ReadAuth(mode, "Azure ML's keys do not come along: make new ones once it is published.")
    if str(written).replace("_", "").lower() == "amltoken":
        return ReadAuth(mode, "Azure ML's own tokens are not known here: callers ask Entra for one of this app.")
    return ReadAuth(mode, "")


def read_traffic(source: Source, deployments: Sequence[str]) -> ReadTraffic:
    """Raises MalformedRequest where it names a deployment that was not given, or adds up to something else than 100."""
    written: dict[str, Any] = source.get("traffic") or {}
    traffic: dict[str, int] = {}
    for name, percent in written.items():
        if name in deployments:
            traffic[name] = int(source.take(f"traffic.{name}", "traffic", name))
        elif int(percent) == 0:
            source.leave(_NO_DEPLOYMENT, "traffic", name)
        else:
            raise MalformedRequest(f"{source.file}: traffic names '{name}': give the file of that deployment too")
    if sum(traffic.values()) not in (0, 100):
        raise MalformedRequest(
            f"{source.file}: traffic adds up to {sum(traffic.values())}, but it must be 0 or 100: correct it there"
        )
    if any(traffic.values()):
        return ReadTraffic(traffic, "")
    if not written and len(deployments) == 1:
        return ReadTraffic(
            {deployments[0]: 100}, "Azure ML's files name no traffic: the only deployment gets all of it."
        )
    return ReadTraffic(traffic, "No deployment gets traffic yet: say here which does, in percent.")


def read_default(source: Source, deployments: Sequence[str]) -> ReadDefault:
    """The deployment for jobs. Raises MalformedRequest where it was not given."""
    name = source.take("batch.deployment", "defaults", "deployment_name")
    if name is not None and name not in deployments:
        raise MalformedRequest(f"{source.file}: the default deployment is '{name}': give the file of that one too")
    if name is None and len(deployments) > 1:
        return ReadDefault(deployments[0], "No default deployment is named: jobs go to the first one that was given.")
    return ReadDefault(name or deployments[0], "")
