"""How storage accounts are opened: in Azure by the app's managed identity, locally by connection strings."""

import os
from collections.abc import Mapping
from typing import Any, Final

from azure.identity import ManagedIdentityCredential
from azure.storage.blob import BlobServiceClient

from shared.settings import Settings

_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def _surroundings(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says of requests, read once. The SDK's transport reads all of it for every request, and
    ~/.netrc, whose password would take the token's place.
    """
    return {
        "use_env_settings": any(name.upper() in _PROXIES for name in environ),
        "connection_verify": environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or True,
    }


# One try takes at most this long; the SDK's own retries are kept few, because the flows above retry whole steps.
CLIENT_OPTIONS: Final[dict[str, Any]] = {
    "connection_timeout": 5,
    "read_timeout": 60,
    "retry_total": 3,
    "initial_backoff": 0.2,
    "increment_base": 1,
    "random_jitter_range": 0.2,
    **_surroundings(os.environ),
}


def connect(settings: Settings) -> BlobServiceClient:
    """The data account: in Azure with the app's managed identity, and no key at all; locally a connection string."""
    if not settings.data_blob_service_uri:
        return BlobServiceClient.from_connection_string(settings.data, **CLIENT_OPTIONS)
    return open_account(settings.data_blob_service_uri, settings.data_client_id)


def open_account(given: str, client_id: str) -> BlobServiceClient:
    """`given`: a blob address, or a connection string. Raises ValueError for what is neither."""
    if "=" in given:
        return BlobServiceClient.from_connection_string(given, **CLIENT_OPTIONS)
    return BlobServiceClient(given, credential=ManagedIdentityCredential(client_id=client_id or None), **CLIENT_OPTIONS)
