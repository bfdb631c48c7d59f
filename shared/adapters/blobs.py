"""The BlobStore on Azure Storage. The one place that knows the storage SDK and its errors."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from hashlib import sha256
from itertools import batched
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobBlock, BlobClient, BlobProperties, BlobServiceClient, ContainerClient

from shared.adapters.blob_blocks import BLOCK_BYTES, resized
from shared.adapters.blob_copies import copy
from shared.adapters.blob_errors import changed, translated, unavailable
from shared.errors import LocationNotAllowed, MalformedRequest, StaleDocument, StorageUnavailable
from shared.ports import Blob, BlobItem, Page, Times

_MOST_AT_ONCE_BYTES: Final = 32 * 1024 * 1024
_CONDITION_NOT_MET: Final = 412
_BAD_REQUEST: Final = 400
_PAST_THE_END: Final = 416
# Of a batch: deleted, or not there.
_GONE: Final = (202, 404)
_MOST_A_BATCH: Final = 64
_CLIENTS_KEPT: Final = 64


class BlobStorage:
    """A BlobStore over one account. In the app's own, missing containers are made on the first write (local runs)."""

    def __init__(self, service: BlobServiceClient, *, makes_containers: bool = True) -> None:
        self._service = service
        self._makes_containers = makes_containers
        # To make a client costs a tenth of a request, and one input is read again and again.
        self._container = lru_cache(_CLIENTS_KEPT)(self._new_container)
        self._blob = lru_cache(_CLIENTS_KEPT)(self._new_blob)

    def _new_container(self, name: str) -> ContainerClient:
        return self._service.get_container_client(str(name))

    def _new_blob(self, container: str, name: str) -> BlobClient:
        return self._container(container).get_blob_client(name)

    def read(
        self,
        container: str,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        if length == 0:
            return self._nothing(container, name, if_match)
        with translated(container, name):
            condition: dict[str, Any] = _condition(if_match)
            try:
                download = self._blob(container, name).download_blob(
                    offset=offset or None if length is None else offset, length=length, **condition
                )
                return Blob(download.readall(), download.properties.etag)
            except ResourceNotFoundError:
                return None
            except HttpResponseError as error:
                if error.status_code == _CONDITION_NOT_MET and if_match is None:
                    # Of a large blob the SDK reads every range at the ETag of the first one.
                    raise StorageUnavailable(f"{container}/{name} was written while it was read: try again") from error
                # What starts where the blob ends, or later, is refused; so is the ETag of a blob that is gone.
                if error.status_code in (_PAST_THE_END, _CONDITION_NOT_MET):
                    return self._nothing(container, name, if_match)
                raise

    def _nothing(self, container: str, name: str, if_match: str | None) -> Blob | None:
        """No bytes of a blob, if it is there and the one that is meant."""
        found = self.find(container, name)
        if found is not None and if_match not in (None, found.etag):
            raise changed(container, name)
        return None if found is None else Blob(b"", found.etag)

    def find(self, container: str, name: str) -> BlobItem | None:
        with translated(container, name):
            try:
                found = self._blob(container, name).get_blob_properties()
            except ResourceNotFoundError:
                return None
            return BlobItem(name, found.etag, found.size, found.metadata or {})

    def times(self, container: str, name: str) -> Times | None:
        replied: list[str] = []
        with translated(container, name):
            try:
                found = self._blob(container, name).get_blob_properties(
                    raw_response_hook=lambda reply: replied.append(reply.http_response.headers["Date"])
                )
            except ResourceNotFoundError:
                return None
        return Times(found.last_modified, parsedate_to_datetime(replied[-1]))

    def list(self, container: str, prefix: str = "") -> Iterator[BlobItem]:
        try:
            for found in self._container(container).list_blobs(name_starts_with=prefix, include=["metadata"]):
                if item := _item(found):
                    yield item
        except ResourceNotFoundError:
            return
        except AzureError as error:
            raise unavailable(container, error) from error

    def list_page(self, container: str, prefix: str, most: int, marker: str = "") -> Page:
        listing = self._container(container).list_blobs(
            name_starts_with=prefix, include=["metadata"], results_per_page=most
        )
        pages = listing.by_page(continuation_token=marker or None)
        try:
            items = [item for found in next(pages, ()) if (item := _item(found))]
        except ResourceNotFoundError:
            return Page([], "")
        except AzureError as error:
            if marker and isinstance(error, HttpResponseError) and error.status_code == _BAD_REQUEST:
                raise MalformedRequest("this page does not exist: begin at the first one") from None
            raise unavailable(container, error) from error
        return Page(items, getattr(pages, "continuation_token", None) or "")

    def write(
        self,
        container: str,
        name: str,
        data: bytes,
        *,
        if_match: str | None = None,
        create: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        told = {"metadata": dict(metadata or {}), **_condition(if_match, create=create)}
        with translated(container, name):
            if len(data) > _MOST_AT_ONCE_BYTES:
                pieces = (data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES))
                return self._commit(container, name, pieces, **told)
            upload = partial(self._blob(container, name).upload_blob, data, overwrite=True, **told)
            try:
                done = upload() if if_match is not None else self._made(container, upload)
            except ResourceNotFoundError:
                raise StaleDocument(f"{container}/{name} is not there any more") from None
            return str(done["etag"])

    def write_blocks(self, container: str, name: str, blocks: Iterable[bytes], *, create: bool = False) -> str:
        with translated(container, name):
            return self._commit(container, name, resized(blocks), **_condition(None, create=create))

    def _commit(self, container: str, name: str, blocks: Iterable[bytes], **told: Any) -> str:
        blob = self._blob(container, name)
        staged: list[BlobBlock] = []
        for number, piece in enumerate(blocks):
            # The id holds the content's digest: two writers of the same blob never take each other's block, as they
            # would by the ids that the SDK gives to the blocks of what it uploads.
            block_id = f"{number:06d}-{sha256(piece).hexdigest()[:32]}"
            self._made(container, partial(blob.stage_block, block_id, piece))
            staged.append(BlobBlock(block_id))
        return str(self._made(container, partial(blob.commit_block_list, staged, **told))["etag"])

    def copy(
        self,
        source: str,
        source_name: str,
        target: str,
        target_name: str,
        metadata: Mapping[str, str] | None = None,
        *,
        if_match: str | None = None,
    ) -> None:
        with translated(target, target_name):
            blob = self._blob(target, target_name)
            start = partial(copy, self._container(source), source_name, blob, metadata, if_match)
            try:
                start()
            except ResourceNotFoundError:
                if self.find(source, source_name) is None:
                    raise StaleDocument(f"{source}/{source_name} is not there any more") from None
                self._make(target)
                start()

    def delete(self, container: str, name: str, *, if_match: str | None = None) -> None:
        with translated(container, name):
            try:
                self._blob(container, name).delete_blob(**_condition(if_match))
            except ResourceNotFoundError:
                return
            except HttpResponseError as error:
                # Emulators refuse the ETag of a blob that is gone.
                if error.status_code != _CONDITION_NOT_MET or self.find(container, name) is not None:
                    raise

    def delete_all(self, container: str, names: Iterable[str]) -> None:
        for some in batched(names, _MOST_A_BATCH, strict=False):
            if not self._delete_batch(container, some):
                for name in some:  # each with its own reason, where there is one
                    self.delete(container, name)

    def _delete_batch(self, container: str, names: Sequence[str]) -> bool:
        """Whether they are gone: not every account takes batches."""
        try:
            replies = self._container(container).delete_blobs(*names, raise_on_any_failure=False)
            return all(reply.status_code in _GONE for reply in replies)
        except HttpResponseError:
            return False
        except AzureError as error:
            raise unavailable(container, error) from error

    def _made[T](self, container: str, write: Callable[[], T]) -> T:
        """Writes, and makes the container if that is what was missing; most of the time it is there."""
        try:
            return write()
        except ResourceNotFoundError:
            self._make(container)
            return write()

    def _make(self, container: str) -> None:
        if not self._makes_containers:
            raise LocationNotAllowed(f"there is no container '{container}' in that account: create it, and try again")
        try:
            self._container(container).create_container()
        except ResourceExistsError:
            return


def _item(found: BlobProperties) -> BlobItem | None:
    """None for a folder, which accounts with folders list too."""
    metadata = found.metadata or {}
    if metadata.get("hdi_isfolder") == "true":
        return None
    return BlobItem(found.name, f'"{found.etag.strip(chr(34))}"', found.size, metadata)


def _condition(if_match: str | None, *, create: bool = False) -> dict[str, Any]:
    if create:
        return {"match_condition": MatchConditions.IfMissing}
    return {} if if_match is None else {"etag": if_match, "match_condition": MatchConditions.IfNotModified}
