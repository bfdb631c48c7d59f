"""Copies on the server's side, within one account."""

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobClient, ContainerClient

from shared.adapters.blob_errors import code
from shared.errors import StorageUnavailable

_DEADLINE_S: Final = 60.0
_UNDER_WAY: Final = "PendingCopyOperation"


def copy(
    container: ContainerClient, name: str, blob: BlobClient, metadata: Mapping[str, str] | None, if_match: str | None
) -> None:
    """What lies there under this name, with this ETag, to `blob`.

    Raises StorageUnavailable, and what the SDK raises.
    """
    # A client that would know its address costs what a tenth of the copy costs.
    folder, mark, signature = container.url.partition("?")
    address = f"{folder}/{quote(name, safe='~/')}{mark}{signature}"
    same = {"source_etag": if_match, "source_match_condition": MatchConditions.IfNotModified} if if_match else {}
    status = _start(blob, address, metadata=dict(metadata or {}), **same)
    # Within one account a copy is done at once; the service only does not promise it.
    deadline = time.monotonic() + _DEADLINE_S
    while status == "pending" and time.monotonic() < deadline:
        time.sleep(0.2)
        status = str(blob.get_blob_properties().copy.status)
    if status != "success":
        raise StorageUnavailable(
            f"copying to {blob.container_name}/{blob.blob_name} did not end: try again in a moment"
        )


def _start(blob: BlobClient, address: str, **told: Any) -> str:
    try:
        return str(blob.start_copy_from_url(address, **told)["copy_status"])
    except ResourceExistsError as error:
        if code(error) == _UNDER_WAY:  # of the same part: this one's retry, or another attempt's
            return "pending"
        raise
