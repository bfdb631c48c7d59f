"""What the flows need from the world outside. Adapters fulfil it; `adapters/memory.py` does so in memory."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol


class Container(StrEnum):
    """The containers of the data account; each has its own permissions."""

    MODELS = "models"
    ENDPOINTS = "endpoints"
    SCHEDULES = "schedules"
    AUDIT = "audit"
    INBOX = "inbox"
    JOBS = "jobs"
    STAGING = "staging"
    PREDICTIONS = "predictions"
    CAPTURE = "capture"
    METRICS = "metrics"


class Blob(NamedTuple):
    data: bytes
    etag: str


class BlobItem(NamedTuple):
    """What is known of a blob without reading it."""

    name: str
    etag: str
    size_bytes: int
    metadata: Mapping[str, str]


class Times(NamedTuple):
    """By the clock of storage, whatever this machine's says. `written`: when a blob was."""

    written: datetime
    now: datetime

    @property
    def age(self) -> timedelta:
        return self.now - self.written


class Page(NamedTuple):
    """Some of a listing. `marker`: what the next page is asked for with; empty where there is none."""

    items: list[BlobItem]
    marker: str


class BlobStore(Protocol):
    """Blobs with ETags, of one storage account. Every method may raise StorageUnavailable."""

    def read(
        self,
        container: str,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        """The bytes [offset, offset + length), or None where there is no such blob.

        Raises StaleDocument when its ETag is not `if_match`.
        """
        ...

    def find(self, container: str, name: str) -> BlobItem | None: ...

    def times(self, container: str, name: str) -> Times | None: ...

    def list(self, container: str, prefix: str = "") -> Iterator[BlobItem]:
        """All blobs below a prefix, in the order of their names."""
        ...

    def list_page(self, container: str, prefix: str, most: int, marker: str = "") -> Page:
        """As `list`, at most so many at a time. Raises MalformedRequest for a marker that no page has given."""
        ...

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
        """Writes the whole blob at once and returns its new ETag.

        Raises StaleDocument when the blob's ETag is not `if_match`, or when it is there already and `create` is set.
        """
        ...

    def write_blocks(self, container: str, name: str, blocks: Iterable[bytes], *, create: bool = False) -> str:
        """Writes a blob of any size from pieces; it appears whole, with the last piece. Returns its ETag.

        Raises StaleDocument when it is there already and `create` is set.
        """
        ...

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
        """Copies within the account, replacing what is there; with its metadata, unless other is given.

        Raises StaleDocument when the source is gone, or its ETag is not `if_match`: which is looked at together with
        the copy.
        """
        ...

    def delete(self, container: str, name: str, *, if_match: str | None = None) -> None:
        """Deletes a blob; one that is not there is no error. Raises StaleDocument when its ETag is not `if_match`."""
        ...

    def delete_all(self, container: str, names: Iterable[str]) -> None:
        """Deletes many blobs, whatever they are by now; those that are not there are no error."""
        ...


class Place(NamedTuple):
    """Where a blob lies, or with a slash at the end of `name` blobs below a prefix. `account`: "" is the data account,
    any other its blob address, without a slash at its end.
    """

    account: str
    container: str
    name: str

    def __str__(self) -> str:
        path = f"{self.container}/{self.name}"
        return f"{self.account}/{path}" if self.account else path
