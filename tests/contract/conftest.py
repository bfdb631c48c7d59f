"""The stores that the contract of a BlobStore is held against."""

from collections.abc import Iterator

import pytest

from shared.adapters.blobs import BlobStorage
from shared.adapters.connection import connect
from shared.adapters.memory import MemoryBlobs
from shared.ports import BlobStore
from shared.settings import Settings


@pytest.fixture(params=["memory", "azurite"])
def blobs(request: pytest.FixtureRequest) -> Iterator[BlobStore]:
    """An empty store without a single container."""
    if request.param == "memory":
        yield MemoryBlobs()
        return
    connection: str = request.getfixturevalue("azurite")
    with connect(Settings(data=connection, tenant_id="tenant", audiences=("audience",))) as service:
        for container in service.list_containers():
            service.delete_container(container.name)
        yield BlobStorage(service)
