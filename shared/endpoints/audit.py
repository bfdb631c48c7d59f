"""Who changed an endpoint, when, from where, and what its head said before and after: one entry a change, for good."""

from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import uuid4

from pydantic import ValidationError

from shared.documents import Document
from shared.endpoints.spec import Head
from shared.errors import ConfigurationError
from shared.ports import BlobStore, Container

type Change = Literal["publish", "traffic", "primary-key", "secondary-key", "rollback", "delete"]

# Names are listed in ascending order: what is counted down from here comes newest first.
_END_OF_TIME_US: Final = 10**17


class Author(NamedTuple):
    """`id`: of the principal; `address` and `agent` are what its request said of the machine and the program."""

    id: str
    at: datetime
    address: str = ""
    agent: str = ""


class AuditEntry(Document):
    """`before`: None where the endpoint is new, `after`: None where it was deleted."""

    schema_version: Literal[1] = 1
    endpoint: str
    change: Change
    at: datetime
    by: str
    address: str = ""
    agent: str = ""
    before: Head | None = None
    after: Head | None = None


class AuditPage(NamedTuple):
    """Newest first. `marker`: what the next page is asked for with; empty where there is none."""

    entries: list[AuditEntry]
    marker: str


def note(store: BlobStore, entry: AuditEntry) -> str:
    """Writes the entry, and returns its name."""
    age = _END_OF_TIME_US - int(entry.at.timestamp() * 1e6)
    name = f"{entry.endpoint}/{age:017d}-{entry.change}-{uuid4().hex[:8]}.json"
    store.write(Container.AUDIT, name, entry.model_dump_json(indent=2).encode(), create=True)
    return name


def take_back(store: BlobStore, name: str) -> None:
    """Of a change that was not made."""
    store.delete(Container.AUDIT, name)


def entries(store: BlobStore, endpoint: str, most: int, marker: str = "") -> AuditPage:
    """Of one endpoint. Raises MalformedRequest for a marker that no page has given."""
    page = store.list_page(Container.AUDIT, f"{endpoint}/", most, marker)
    blobs = [store.read(Container.AUDIT, item.name) for item in page.items]
    return AuditPage([_parsed(blob.data, endpoint) for blob in blobs if blob is not None], page.marker)


def _parsed(data: bytes, endpoint: str) -> AuditEntry:
    try:
        return AuditEntry.model_validate_json(data)
    except ValidationError:
        raise ConfigurationError(f"an audit entry of endpoint '{endpoint}' cannot be read: see the container") from None
