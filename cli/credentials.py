"""Tokens for the app, and the publisher's way into storage: azure-identity in the cloud, the local issuer else."""

import base64
import json
import logging
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import requests
from azure.storage.blob import BlobServiceClient

from cli.profiles import Profile
from shared.auth.access import Role
from shared.errors import ConfigurationError, IdentityProviderUnavailable, NotAuthenticated, StorageUnavailable

TOKEN_VARIABLE: Final = "SLIPWAY_TOKEN"  # noqa: S105 - its name
_TIMEOUT_S: Final = 30
# Three repeats within 20 s, which outlasts a dropped connection or a busy storage. With the library's own, somebody who
# has mistyped an address would wait for a minute and a half.
_PATIENCE: Final[Mapping[str, int]] = MappingProxyType(
    {"initial_backoff": 1, "increment_base": 2, "random_jitter_range": 1, "connection_timeout": 10}
)
# Storage sends it with whatever it answers.
_STORAGE_MARK: Final = "x-ms-request-id"
_SERVER_ERROR: Final = 500


def token(profile: Profile, roles: tuple[Role, ...] = tuple(Role)) -> str:
    """A bearer token for the app: SLIPWAY_TOKEN where it is set. `roles` count with the local issuer only, which takes
    them as asked; Entra takes them from role assignments.

    Raises IdentityProviderUnavailable, NotAuthenticated.
    """
    if given := os.environ.get(TOKEN_VARIABLE, "").strip():
        return given
    return _local_token(profile, roles) if profile.local_issuer else _entra_token(profile)


def _local_token(profile: Profile, roles: tuple[Role, ...]) -> str:
    form = {
        "client_id": "slipway",
        "grant_type": "client_credentials",
        "scope": f"{profile.audience}/.default",
        "roles": " ".join(roles),
    }
    address = f"{profile.local_issuer}/{profile.tenant_id}/oauth2/v2.0/token"
    try:
        reply = requests.post(address, data=form, timeout=_TIMEOUT_S)
        reply.raise_for_status()
        return str(reply.json()["access_token"])
    except (requests.RequestException, ValueError, KeyError):
        raise IdentityProviderUnavailable(
            f"the local issuer at {profile.local_issuer} gives no token: is it running (make serve)?"
        ) from None


def _entra_token(profile: Profile) -> str:
    from azure.core.exceptions import ClientAuthenticationError

    scope = f"{profile.audience}/.default"
    try:
        return str(_credential(profile).get_token(scope, tenant_id=profile.tenant_id or None).token)
    except ClientAuthenticationError as error:
        reason = " ".join(str(error).split())[:200]
        raise NotAuthenticated(
            f"no token for {scope}: sign in with `az login --scope {scope}`, or set {TOKEN_VARIABLE} ({reason})"
        ) from None


def _credential(profile: Profile) -> Any:
    from azure.identity import DefaultAzureCredential

    logging.getLogger("azure.identity").setLevel(logging.ERROR)  # each way in that is not there would be told of
    return DefaultAzureCredential(exclude_shared_token_cache_credential=True)


def holder(token: str) -> str:
    """Tenant and object id of whom a token is for, as the audit tells them; "" where it does not say.

    Nothing is decided by it here: whether a token is good, the app finds out.
    """
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return f"{claims['tid']}/{claims['oid']}"
    except (IndexError, ValueError, KeyError, TypeError):
        return ""


def storage(profile: Profile) -> BlobServiceClient:
    """The data account as its publisher sees it. Raises ConfigurationError.

    What is asked of it raises StorageUnavailable where something else than storage answers.
    """
    if not profile.storage:
        raise ConfigurationError("the profile names no storage, where models go: set its storage")
    logging.getLogger("azure.storage.blob").setLevel(logging.CRITICAL)  # what is wrong, its errors say
    options: dict[str, Any] = {**_PATIENCE, "raw_response_hook": _check_storage}
    try:
        if "=" in profile.storage:
            return BlobServiceClient.from_connection_string(profile.storage, **options)
        if not profile.storage.startswith(("https://", "http://")):
            raise ValueError("no address")
        return BlobServiceClient(profile.storage, credential=_credential(profile), **options)
    except ValueError:
        raise ConfigurationError(
            "the profile's storage is neither a blob address, https://account.blob.core.windows.net, nor a connection "
            "string"
        ) from None


def _check_storage(response: Any) -> None:
    """Any page would do for a blob, and break the library as a list. A gateway's error may pass: it is asked again."""
    reply = response.http_response
    if _STORAGE_MARK not in reply.headers and reply.status_code < _SERVER_ERROR:
        raise StorageUnavailable("what answers at the profile's storage is not storage: is its address right?")
