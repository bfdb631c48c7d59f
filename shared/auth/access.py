"""Who calls, and whether they may."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from shared.errors import NotAuthorized


class Role(StrEnum):
    """The app roles of the API's registration."""

    SCORE = "Endpoint.Score"
    BATCH = "Endpoint.Batch"
    READ = "Endpoint.Read"
    MANAGE = "Endpoint.Manage"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose token, or endpoint key, was good.

    Tenant and object id identify it, and nothing else does: e-mail addresses and user names change hands
    (https://learn.microsoft.com/entra/identity-platform/claims-validation). The holder of a key has no tenant.
    """

    tenant_id: str
    object_id: str
    client_id: str
    kind: Literal["app", "user", "key"]
    roles: frozenset[str]
    scopes: frozenset[str]

    @property
    def id(self) -> str:
        return f"{self.tenant_id}/{self.object_id}"


def require(principal: Principal, *roles: Role, allowed_object_ids: Collection[str] | None = None) -> None:
    """Raises NotAuthorized unless the principal holds any one of the roles and, where given, is on the list.

    `allowed_object_ids`: None leaves the endpoint to every holder of the role, an empty collection to nobody. Who
    holds a key is on no list: whoever handed the key out has let them in.
    """
    if principal.roles.isdisjoint(roles):
        raise NotAuthorized(f"the caller lacks the app role {' or '.join(roles)}")
    if principal.kind == "key" or allowed_object_ids is None:
        return
    if principal.object_id not in {each.lower() for each in allowed_object_ids}:
        raise NotAuthorized("the endpoint is open to listed callers only, and this caller is not among them")
