"""Which deployment answers a request."""

import hashlib
from collections.abc import Mapping

from shared.endpoints.spec import Endpoint
from shared.errors import DeploymentNotFound


def choose(endpoint: Endpoint, request_id: str, pinned: str | None) -> str:
    """The pinned deployment, also at 0 %; else by percent. Raises DeploymentNotFound."""
    if pinned is not None:
        endpoint.deployment(pinned)
        return pinned
    chosen = by_percent(endpoint.head.traffic, request_id)
    if chosen is None:
        raise DeploymentNotFound(
            f"no deployment of endpoint '{endpoint.name}' has traffic: set its traffic, or pin one"
        )
    return chosen


def by_percent(traffic: Mapping[str, int], request_id: str) -> str | None:
    """The same request id always gets the same deployment while the split stays as it is."""
    for name, percent in traffic.items():
        if percent == 100:
            return name
    point = int.from_bytes(hashlib.blake2b(request_id.encode(), digest_size=8).digest()) % 100
    for name in sorted(traffic):
        point -= traffic[name]
        if point < 0:
            return name
    return None
