"""What a token must say to be taken, made from the settings once."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Self

from shared.errors import ConfigurationError
from shared.settings import Settings

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_LOCAL_ORIGIN = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?/?", re.ASCII)
_ENTRA = "https://login.microsoftonline.com"
_ENTRA_V1 = "https://sts.windows.net"


class TokenVersion(StrEnum):
    """The `ver` claim. The API's manifest chooses it, not the endpoint that the caller asked for a token."""

    V1 = "1.0"
    V2 = "2.0"


class Authority(NamedTuple):
    """Where the tokens of one version come from.

    The two forms are Entra's: https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
    """

    issuer: str
    origin: str  # scheme and host of the metadata; the keys must be there too
    metadata_url: str


class TokenRules(NamedTuple):
    tenant_id: str
    audiences: frozenset[str]
    allowed_clients: frozenset[str]
    required_scope: str
    authorities: Mapping[TokenVersion, Authority]

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Raises ConfigurationError when the tenant is no GUID or the local issuer is not on loopback."""
        tenant_id = settings.tenant_id.lower()
        if not GUID.fullmatch(tenant_id):
            raise ConfigurationError("the setting SLIPWAY_TENANT_ID must be the tenant's GUID, not its domain name")
        return cls(
            tenant_id=tenant_id,
            audiences=frozenset(settings.audiences),
            allowed_clients=frozenset(client.lower() for client in settings.allowed_clients),
            required_scope=settings.required_scope,
            authorities=_authorities(tenant_id, settings.local_issuer),
        )


def _authorities(tenant_id: str, local_issuer: str) -> Mapping[TokenVersion, Authority]:
    if local_issuer and not _LOCAL_ORIGIN.fullmatch(local_issuer):
        raise ConfigurationError(
            "the setting SLIPWAY_LOCAL_ISSUER must be an http address on loopback, such as http://127.0.0.1:7072"
        )
    origin = local_issuer.rstrip("/") or _ENTRA
    issuer_v1 = f"{local_issuer.rstrip('/') or _ENTRA_V1}/{tenant_id}/"
    issuer_v2 = f"{origin}/{tenant_id}/v2.0"
    document = ".well-known/openid-configuration"
    return {
        TokenVersion.V1: Authority(issuer_v1, origin, f"{origin}/{tenant_id}/{document}"),
        TokenVersion.V2: Authority(issuer_v2, origin, f"{issuer_v2}/{document}"),
    }
