"""Storage clients for the connection settings that bindings name."""

import os
from collections.abc import Mapping
from typing import Any

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from devhost.errors import HostError

HOST_CONNECTION = "AzureWebJobsStorage"
HOST_CONTAINER = "azure-webjobs-hosts"
_URI_SETTINGS = {"blob": ("blobServiceUri", "serviceUri"), "queue": ("queueServiceUri", "serviceUri")}
# A local server answers at once or not at all; the SDK's own retries would hide that for a minute.
_QUICK = {"connection_timeout": 3, "read_timeout": 5, "retry_total": 0}
_PATIENT = {"connection_timeout": 5, "read_timeout": 60, "retry_total": 3, "retry_backoff_factor": 0.2}


class Storage:
    """Makes each client once; they are safe to share between threads."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._blobs: dict[str, BlobServiceClient] = {}
        self._queues: dict[str, QueueServiceClient] = {}

    def blobs(self, connection: str, wanted_by: str = "the host") -> BlobServiceClient:
        if connection not in self._blobs:
            self._blobs[connection] = self._client(BlobServiceClient, connection, "blob", wanted_by, _PATIENT)
        return self._blobs[connection]

    def queues(self, connection: str, wanted_by: str = "the host") -> QueueServiceClient:
        if connection not in self._queues:
            self._queues[connection] = self._client(QueueServiceClient, connection, "queue", wanted_by, _PATIENT)
        return self._queues[connection]

    def check(self, connection: str, kind: str, wanted_by: str) -> None:
        """Ask the service one question; stop the host if the setting is missing or nobody answers."""
        service: Any = BlobServiceClient if kind == "blob" else QueueServiceClient
        client = self._client(service, connection, kind, wanted_by, _QUICK)
        try:
            client.get_service_properties()
        except AzureError as exc:
            reason = str(exc.message or exc).splitlines()[0][:200]
            raise HostError(
                f"the {kind} storage of '{connection}' does not answer at {client.primary_endpoint}: {reason}"
            ) from exc
        finally:
            client.close()

    def close(self) -> None:
        for blobs in self._blobs.values():
            blobs.close()
        for queues in self._queues.values():
            queues.close()

    def _client(self, service: Any, connection: str, kind: str, wanted_by: str, options: Mapping[str, Any]) -> Any:
        # The real host takes a setting by its bare name or with this prefix.
        for name in (connection, f"AzureWebJobs{connection}"):
            if self._environ.get(name):
                return self._from_string(service, name, options)
            for suffix in _URI_SETTINGS[kind]:
                if uri := self._environ.get(f"{name}__{suffix}"):
                    return service(uri, credential=self._credential(name), **options)
        raise HostError(f"{wanted_by}: the connection setting '{connection}' is missing")

    def _from_string(self, service: Any, name: str, options: Mapping[str, Any]) -> Any:
        try:
            return service.from_connection_string(self._environ[name], **options)
        except ValueError as exc:
            raise HostError(f"the setting '{name}' is no storage connection string: {exc}") from exc

    def _credential(self, name: str) -> Any:
        from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

        client_id = self._environ.get(f"{name}__clientId")
        if self._environ.get(f"{name}__credential") == "managedidentity":
            return ManagedIdentityCredential(client_id=client_id)
        return DefaultAzureCredential(managed_identity_client_id=client_id)
