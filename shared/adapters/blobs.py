"""The BlobStore on Azure Storage. The one place that knows the storage SDK and its errors."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.identity import ManagedIdentityCredential
from azure.storage.blob import BlobBlock, BlobClient, BlobServiceClient

from shared.errors import ConfigurationError, SlipwayError, StaleDocument, StorageUnavailable
from shared.ports import Blob, BlobItem, Container
from shared.settings import Settings

_BLOCK_BYTES: Final = 8 * 1024 * 1024
_COPY_DEADLINE_S: Final = 60.0
_CONDITION_NOT_MET: Final = 412
# Of all conflicts only these say that somebody was faster; the others, such as a copy under way, pass by themselves.
_CHANGED: Final = ("BlobAlreadyExists", "ConditionNotMet")
_COPY_UNDER_WAY: Final = "PendingCopyOperation"
_PAST_THE_END: Final = 416
# One try takes at most this long; the SDK's own retries are kept few, because the flows above retry whole steps.
_CLIENT: Final[dict[str, Any]] = {
    "connection_timeout": 5,
    "read_timeout": 60,
    "retry_total": 3,
    "initial_backoff": 0.2,
    "increment_base": 1,
    "random_jitter_range": 0.2,
}


def connect(settings: Settings) -> BlobServiceClient:
    """In Azure with the app's managed identity, and no key at all; locally with a connection string."""
    if not settings.data_blob_service_uri:
        return BlobServiceClient.from_connection_string(settings.data, **_CLIENT)
    credential = ManagedIdentityCredential(client_id=settings.data_client_id or None)
    return BlobServiceClient(settings.data_blob_service_uri, credential=credential, **_CLIENT)


@contextmanager
def _translated(container: Container, name: str) -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        if _code(error) in _CHANGED:
            raise _changed(container, name) from error
        raise _unavailable(container, error) from error


class BlobStorage:
    """A BlobStore over one data account. Missing containers are made on the first write (local runs)."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service
        self._clients = {container: service.get_container_client(container.value) for container in Container}

    def _blob(self, container: Container, name: str) -> BlobClient:
        return self._clients[container].get_blob_client(name)

    def read(
        self,
        container: Container,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        if length == 0:
            return self._nothing(container, name, if_match)
        with _translated(container, name):
            condition: dict[str, Any] = _condition(if_match)
            try:
                download = self._blob(container, name).download_blob(
                    offset=offset or None if length is None else offset, length=length, **condition
                )
                return Blob(download.readall(), download.properties.etag)
            except ResourceNotFoundError:
                return None
            except HttpResponseError as error:
                # What starts where the blob ends, or later, is refused; so is the ETag of a blob that is gone.
                if error.status_code in (_PAST_THE_END, _CONDITION_NOT_MET):
                    return self._nothing(container, name, if_match)
                raise

    def _nothing(self, container: Container, name: str, if_match: str | None) -> Blob | None:
        """No bytes of a blob, if it is there and the one that is meant."""
        found = self.find(container, name)
        if found is not None and if_match not in (None, found.etag):
            raise _changed(container, name)
        return None if found is None else Blob(b"", found.etag)

    def find(self, container: Container, name: str) -> BlobItem | None:
        with _translated(container, name):
            try:
                found = self._blob(container, name).get_blob_properties()
            except ResourceNotFoundError:
                return None
            return BlobItem(name, found.etag, found.size, found.metadata or {})

    def list(self, container: Container, prefix: str = "") -> Iterator[BlobItem]:
        try:
            for found in self._clients[container].list_blobs(name_starts_with=prefix, include=["metadata"]):
                metadata = found.metadata or {}
                if metadata.get("hdi_isfolder") != "true":  # accounts with folders list those too
                    yield BlobItem(found.name, f'"{found.etag.strip(chr(34))}"', found.size, metadata)
        except ResourceNotFoundError:
            return
        except AzureError as error:
            raise _unavailable(container, error) from error

    def write(
        self,
        container: Container,
        name: str,
        data: bytes,
        *,
        if_match: str | None = None,
        create: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        with _translated(container, name):
            upload = partial(
                self._blob(container, name).upload_blob,
                data,
                overwrite=not create,
                metadata=dict(metadata or {}),
                **_condition(if_match),
            )
            try:
                done = upload() if if_match is not None else self._made(container, upload)
            except ResourceNotFoundError:
                raise StaleDocument(f"{container}/{name} is not there any more") from None
            return str(done["etag"])

    def write_blocks(self, container: Container, name: str, blocks: Iterable[bytes]) -> str:
        with _translated(container, name):
            blob = self._blob(container, name)
            staged: list[BlobBlock] = []
            for number, piece in enumerate(_resized(blocks)):
                # The id holds the content's digest: two writers of the same blob never take each other's block.
                block_id = f"{number:06d}-{sha256(piece).hexdigest()[:32]}"
                self._made(container, partial(blob.stage_block, block_id, piece))
                staged.append(BlobBlock(block_id))
            return str(self._made(container, partial(blob.commit_block_list, staged))["etag"])

    def copy(self, source: Container, source_name: str, target: Container, target_name: str) -> None:
        with _translated(target, target_name):
            address = self._blob(source, source_name).url
            blob = self._blob(target, target_name)
            try:
                status = _copy_status(blob, address)
            except ResourceNotFoundError:
                if self.find(source, source_name) is None:
                    raise StaleDocument(f"{source}/{source_name} is not there any more") from None
                self._make(target)
                status = _copy_status(blob, address)
            # Within one account a copy is done at once; the service only does not promise it.
            deadline = time.monotonic() + _COPY_DEADLINE_S
            while status == "pending" and time.monotonic() < deadline:
                time.sleep(0.2)
                status = str(blob.get_blob_properties().copy.status)
            if status != "success":
                raise StorageUnavailable(f"copying {source}/{source_name} did not end: try again in a moment")

    def delete(self, container: Container, name: str) -> None:
        with _translated(container, name):
            try:
                self._blob(container, name).delete_blob()
            except ResourceNotFoundError:
                return

    def _made[T](self, container: Container, write: Callable[[], T]) -> T:
        """Writes, and makes the container if that is what was missing; most of the time it is there."""
        try:
            return write()
        except ResourceNotFoundError:
            self._make(container)
            return write()

    def _make(self, container: Container) -> None:
        try:
            self._clients[container].create_container()
        except ResourceExistsError:
            return


def _copy_status(blob: BlobClient, address: str) -> str:
    try:
        return str(blob.start_copy_from_url(address)["copy_status"])
    except ResourceExistsError as error:
        if _code(error) == _COPY_UNDER_WAY:  # of the same part: this one's retry, or another attempt's
            return "pending"
        raise


def _code(error: AzureError) -> str | None:
    """The service's own word for what is wrong; the SDK adds it to errors that came from storage."""
    return getattr(error, "error_code", None)


def _changed(container: Container, name: str) -> StaleDocument:
    return StaleDocument(f"{container}/{name} is not what it was when it was read: read it again and repeat the change")


def _condition(if_match: str | None) -> dict[str, Any]:
    return {} if if_match is None else {"etag": if_match, "match_condition": MatchConditions.IfNotModified}


def _resized(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Joins small pieces: a blob takes at most 50,000 blocks."""
    held: list[bytes] = []
    size = 0
    for piece in blocks:
        held.append(piece)
        size += len(piece)
        if size >= _BLOCK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)


def _unavailable(container: Container, error: AzureError) -> SlipwayError:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status in (401, 403):
        return ConfigurationError(
            f"storage refuses the app the container '{container}' ({status}): give the app's identity its role there"
        )
    reason = f"answered {status}" if status else "did not answer"
    return StorageUnavailable(f"the storage account {reason} for the container '{container}': try again in a moment")
