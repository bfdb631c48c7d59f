"""Receipts: which blob, in which version, a blob-triggered function has been through."""

import contextlib
from typing import NamedTuple

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient

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
    survive a host that is killed.
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
        try:
            self._create(blob_path=self._path(version))
            tries = 0
        except ResourceExistsError:
            metadata = blob.get_blob_properties().metadata
            if metadata.get("Completed") == "True":
                return 0
            tries = int(metadata.get("Tries", "0"))
        blob.set_blob_metadata({"Completed": "False", "Tries": str(tries + 1)})
        return tries + 1

    def complete(self, version: Version, tries: int) -> None:
        blob = self._container.get_blob_client(self._path(version))
        blob.set_blob_metadata({"Completed": "True", "Tries": str(tries)})

    def _path(self, version: Version) -> str:
        return f"{self._prefix}{version.etag}/{version.container}/{version.name}"

    def _create(self, blob_path: str) -> None:
        metadata = {"Completed": "False", "Tries": "0"}
        blob = self._container.get_blob_client(blob_path)
        try:
            blob.upload_blob(b"", metadata=metadata, overwrite=False)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                self._container.create_container()
            blob.upload_blob(b"", metadata=metadata, overwrite=False)
