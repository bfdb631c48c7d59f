"""When a blob was written and what time it is, both by the clock of storage."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from azure.storage.blob import BlobClient


class Times(NamedTuple):
    now: datetime
    written: datetime


def ask(blob: BlobClient) -> Times:
    """Raises what the SDK raises."""
    replied: list[str] = []
    found = blob.get_blob_properties(
        raw_response_hook=lambda reply: replied.append(reply.http_response.headers["Date"])
    )
    return Times(parsedate_to_datetime(replied[-1]), found.last_modified)
