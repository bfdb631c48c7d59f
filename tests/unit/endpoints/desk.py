"""A catalog with its storage and its clock in hand."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from shared.adapters.memory import MemoryBlobs
from shared.endpoints.audit import Author
from shared.endpoints.catalog import Catalog
from shared.endpoints.changes import Changes
from shared.endpoints.spec import Draft, Endpoint
from shared.errors import StorageUnavailable
from shared.models.package import ModelRef, digest_of, package_path
from shared.ports import Blob, Container
from tests.unit.endpoints.documents import NOW

REFRESH_S = 2.0
HEAD = "flowers/head.json"


class FlakyBlobs(MemoryBlobs):
    """Counts reads, fails while `down`, waits until `slow` is set, and does something before each write."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.slow = threading.Event()
        self.slow.set()
        self.reads: list[str] = []
        self.before_write: Callable[[str, str], None] = lambda container, name: None

    def read(
        self,
        container: str,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        self.reads.append(name)
        self.slow.wait(30)
        if self.down:
            raise StorageUnavailable("storage does not answer")
        return super().read(container, name, offset=offset, length=length, if_match=if_match)

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
        self.before_write(container, name)
        return super().write(container, name, data, if_match=if_match, create=create, metadata=metadata)


class Desk:
    """Publishes `flowers`, whose deployments all serve the model `iris/1`."""

    def __init__(self) -> None:
        self.store = FlakyBlobs()
        self.now = 100.0
        self.catalog = self.another()
        self.changes = Changes(self.store, self.catalog)
        self.ref = self.upload("1")

    def another(self) -> Catalog:
        """A catalog over the same storage, as another instance of the app has."""
        return Catalog(self.store, REFRESH_S, clock=lambda: self.now)

    def another_office(self) -> Changes:
        return Changes(self.store, self.another())

    def upload(self, version: str) -> ModelRef:
        data = f"package {version}".encode()
        self.store.write(Container.MODELS, package_path("iris", version), data)
        return ModelRef("iris", version, digest_of(data))

    def draft(self, *names: str, **changes: Any) -> Draft:
        deployments = {name: {"model": self.ref._asdict()} for name in names or ("blue",)}
        return Draft.model_validate({"name": "flowers", "deployments": deployments, **changes})

    def publish(self, *names: str, **changes: Any) -> Endpoint:
        return self.another_office().publish(self.draft(*names, **changes), Author("ann", NOW))

    def blobs(self, container: str) -> list[str]:
        return [item.name for item in self.store.list(container)]
