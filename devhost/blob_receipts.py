"""Receipts: which blob, in which version, a blob-triggered function has been through."""

import contextlib
import uuid
from typing import NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobServiceClient, ContainerClient

from devhost.storage import HOST_CONTAINER


class Version(NamedTuple):
    """One state of one blob: a changed blob has another ETag and so is another version."""

    container: str
    name: str
    etag: str


class Receipts:
    """The receipts of one function, kept where the real host keeps them.

    A receipt is an empty blob `blobreceipts/{host}/{function}/{etag}/{container}/{name}`, made before
    the first run. Its metadata say how many runs were begun and whether it is done with, so both
    survive a host that is killed. Hosts on one storage share them: no run is left uncounted and what is done
    with stays so, but two hosts may have the same version in hand at once, as deliveries are at least once.
    """

    def __init__(self, service: BlobServiceClient, host_id: str, function_name: str) -> None:
        self._container: ContainerClient = service.get_container_client(HOST_CONTAINER)
        self._prefix = f"blobreceipts/{host_id}/Host.Functions.{function_name}/"

    def completed(self) -> set[Version]:
        """All versions that are done with; read once, at start."""
        done = set()
        try:
            for blob in self._container.list_blobs(name_starts_with=self._prefix, include=["metadata"]):
                etag, container, name = blob.name.removeprefix(self._prefix).split("/", 2)
                if (blob.metadata or {}).get("Completed") == "True":
                    done.add(Version(container, name, etag))
        except ResourceNotFoundError:
            return set()
        return done

    def begin(self, version: Version) -> int:
        """Count one more try of this version and return its number; 0 if it is done with."""
        blob = self._container.get_blob_client(self._path(version))
        run = uuid.uuid4().hex
        with contextlib.suppress(ResourceExistsError):
            self._create(blob, {"Completed": "False", "Tries": "1", "Run": run})
            return 1
        while True:
            receipt = blob.get_blob_properties()
            tries = int(receipt.metadata.get("Tries", "0"))
            if receipt.metadata.get("Completed") == "True":
                return 0
            if receipt.metadata.get("Run") == run:
                return tries  # it was written, and only the reply was lost
            with contextlib.suppress(ResourceModifiedError):  # another host was faster: count on top of it
                blob.set_blob_metadata(
                    {"Completed": "False", "Tries": str(tries + 1), "Run": run},
                    etag=receipt.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
                return tries + 1

    def complete(self, version: Version, tries: int) -> None:
        blob = self._container.get_blob_client(self._path(version))
        blob.set_blob_metadata({"Completed": "True", "Tries": str(tries)})

    def _path(self, version: Version) -> str:
        return f"{self._prefix}{version.etag}/{version.container}/{version.name}"

    def _create(self, blob: BlobClient, metadata: dict[str, str]) -> None:
        try:
            blob.upload_blob(b"", metadata=metadata, overwrite=False)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                self._container.create_container()
            blob.upload_blob(b"", metadata=metadata, overwrite=False)
