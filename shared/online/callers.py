"""Who calls an endpoint, with a token or with one of its keys, and whether they may."""

from typing import NamedTuple

from shared.auth import endpoint_keys
from shared.auth.access import Principal, Role, require
from shared.auth.authenticate import Authenticator
from shared.auth.tokens import parse_bearer
from shared.endpoints.catalog import Catalog
from shared.endpoints.spec import Endpoint
from shared.errors import EndpointNotFound, NotAuthorized, TokenRejected


class Admitted(NamedTuple):
    principal: Principal
    endpoint: Endpoint


async def admit(
    authorization: str | None, name: str, roles: tuple[Role, ...], authenticator: Authenticator, catalog: Catalog
) -> Admitted:
    """`roles`: any one of them is enough. Raises AuthError, and EndpointNotFound to holders of a role only."""
    key = _key_in(authorization)
    if key is not None:
        endpoint = await _opened_by(key, name, catalog)
        principal = endpoint_keys.holder(endpoint.name)
        require(principal, *roles)
        return Admitted(principal, endpoint)
    principal = await authenticator.authenticate(authorization)
    require(principal, *roles)
    endpoint = await catalog.read_online(name)
    require(principal, *roles, allowed_object_ids=endpoint.revision.allowed_object_ids or None)
    if "entra" not in endpoint.revision.auth_mode and principal.roles.isdisjoint(set(roles) - {Role.SCORE}):
        raise NotAuthorized("the endpoint takes its own keys and no tokens: send Authorization: Bearer <key>")
    return Admitted(principal, endpoint)


def _key_in(authorization: str | None) -> str | None:
    # Most requests come with a token, which the authenticator reads: they need not be read twice.
    if authorization is None or endpoint_keys.PREFIX not in authorization:
        return None
    token = parse_bearer(authorization)
    return token if endpoint_keys.is_key(token) else None


async def _opened_by(key: str, name: str, catalog: Catalog) -> Endpoint:
    """One answer for a wrong key, an endpoint without keys and no endpoint at all: strangers learn nothing of it."""
    refused = TokenRejected("the key is not one of this endpoint's keys")
    try:
        endpoint = await catalog.read_online(name, stranger=True)
    except EndpointNotFound:
        raise refused from None
    takes_keys = "key" in endpoint.revision.auth_mode
    hashes = [stored.sha256 for stored in endpoint.head.keys.values()]
    if not endpoint_keys.matches(key, hashes) or not takes_keys:
        raise refused
    return endpoint
