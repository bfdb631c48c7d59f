"""What only the adapter of Azure Storage meets: large blobs in ranges, and accounts that do not take everything."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ContainerClient
from pytest_mock import MockerFixture

from shared.adapters.blobs import BlobStorage
from shared.errors import StorageUnavailable
from shared.ports import Container

STAGING = Container.STAGING


class Interrupting(RequestsTransport):  # type: ignore[misc]
    """Does something after the first range of a blob was read."""

    def __init__(self) -> None:
        super().__init__()
        self.act: Callable[[], object] = lambda: None

    def send(self, request: Any, **kwargs: Any) -> Any:
        reply = super().send(request, **kwargs)
        if request.method == "GET" and "x-ms-range" in request.headers:
            act, self.act = self.act, lambda: None
            act()
        return reply


@pytest.fixture
def service(azurite: str) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(azurite, retry_total=0) as service:
        for container in service.list_containers():
            service.delete_container(container.name)
        yield service


@pytest.fixture
def blobs(service: BlobServiceClient) -> BlobStorage:
    return BlobStorage(service)


def test_a_blob_that_changes_between_its_ranges_is_never_read_as_empty(azurite: str, blobs: BlobStorage) -> None:
    blobs.write(STAGING, "part", b"0123456789")
    transport = Interrupting()
    transport.act = lambda: blobs.write(STAGING, "part", b"9876543210")
    with BlobServiceClient.from_connection_string(
        azurite, transport=transport, max_single_get_size=4, max_chunk_get_size=4, retry_total=0
    ) as service:
        with pytest.raises(StorageUnavailable, match="staging/part was written while it was read: try again"):
            BlobStorage(service).read(STAGING, "part")
        found = BlobStorage(service).read(STAGING, "part")
    assert found is not None
    assert found.data == b"9876543210"


def test_where_batches_are_refused_blobs_are_deleted_one_by_one(blobs: BlobStorage, mocker: MockerFixture) -> None:
    for name in ("a", "b", "c"):
        blobs.write(STAGING, name, b"x")
    refused = mocker.patch.object(ContainerClient, "delete_blobs", side_effect=HttpResponseError("not here"))
    blobs.delete_all(STAGING, ["a", "b"])
    assert refused.call_count == 1
    assert [item.name for item in blobs.list(STAGING)] == ["c"]


def test_what_cannot_be_deleted_is_told_and_the_rest_is_gone(service: BlobServiceClient, blobs: BlobStorage) -> None:
    for name in ("a", "b", "c"):
        blobs.write(STAGING, name, b"x")
    service.get_blob_client(STAGING, "c").acquire_lease()
    with pytest.raises(StorageUnavailable, match="'staging'"):
        blobs.delete_all(STAGING, ["a", "b", "c"])
    assert [item.name for item in blobs.list(STAGING)] == ["c"]


def test_storage_that_does_not_answer_a_batch_is_unavailable(blobs: BlobStorage, mocker: MockerFixture) -> None:
    mocker.patch.object(ContainerClient, "delete_blobs", side_effect=ServiceRequestError("no route"))
    with pytest.raises(StorageUnavailable, match="did not answer"):
        blobs.delete_all(STAGING, ["a"])
