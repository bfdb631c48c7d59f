"""Which deployments are watched, and how: what the endpoints' documents say of it."""

import logging
from collections.abc import Iterator

from shared.endpoints.catalog import Catalog
from shared.endpoints.spec import Endpoint
from shared.errors import SlipwayError
from shared.monitoring.monitor import Target

_log = logging.getLogger(__name__)


def targets(catalog: Catalog) -> Iterator[Target]:
    """Of all endpoints; one that cannot be read holds up none of the others."""
    for name in catalog.names():
        try:
            endpoint = catalog.read(name)
        except SlipwayError as error:
            _log.warning("endpoint %s is not watched: %s", name, error.message)
            continue
        yield from _targets_of(endpoint)


def _targets_of(endpoint: Endpoint) -> Iterator[Target]:
    settings = endpoint.revision.monitoring
    if settings is not None:
        for deployment, found in endpoint.revision.deployments.items():
            yield Target(endpoint.name, deployment, str(found.model.ref), settings)
