"""All that changes an endpoint: its next revision, traffic, keys, a way back, and its end. Each change is audited.

A change is made to what is in storage now, by ETag: who was slower is told so, and nothing of theirs is seen. With
`if_match` it is made to what the caller has seen, or not at all: an endpoint's ETag, or `*` for whatever is there.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from shared.endpoints import audit
from shared.endpoints.audit import AuditEntry, Author, Change
from shared.endpoints.callers import KeyType, StoredKey
from shared.endpoints.catalog import Catalog, head_path, revision_path
from shared.endpoints.spec import (
    Draft,
    Endpoint,
    Head,
    Revision,
    first_head,
    with_key,
    with_revision,
    with_traffic,
)
from shared.errors import EndpointNotFound, InvalidTransition, StaleDocument
from shared.models.package import ModelPackage, ModelRef, digest_of, package_path
from shared.models.sources import check_source
from shared.ports import BlobStore, Container


class RevisionItem(NamedTuple):
    """Of a list of them."""

    number: int
    created_at: str
    created_by: str
    current: bool


class Changes:
    """`catalog`: this process' own, which forgets at once what was changed here. `is_working`: whether a job of the
    endpoint has not ended yet. `code_sources`: as the setting.
    """

    def __init__(
        self,
        store: BlobStore,
        catalog: Catalog,
        is_working: Callable[[str], bool] = lambda name: False,
        code_sources: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._is_working = is_working
        self._code_sources = code_sources

    def publish(self, draft: Draft, author: Author, *, if_match: str | None = None, create: bool = False) -> Endpoint:
        """Makes the next revision current. `create`: the endpoint must be new.

        Raises InvalidTransition, SourceNotAllowed, StaleDocument when another publish was faster.
        """
        head, etag = self._catalog.find_head(draft.name)
        if create and etag is not None:
            raise StaleDocument(f"endpoint '{draft.name}' is there already: read it and repeat the change")
        _check_seen(draft.name, etag, if_match)
        self._check_packages(draft)
        revision = Revision(
            **draft.model_dump(),
            number=self._next_number(draft.name, head),
            created_at=author.at,
            created_by=author.id,
        )
        moved = with_revision(head, revision, author.at, author.id) if head else first_head(revision)
        if head is None:
            self._forget_windows(draft.name)
        path, data = revision_path(draft.name, revision.number), revision.model_dump_json(indent=2).encode()
        try:
            self._store.write(Container.ENDPOINTS, path, data, create=True)
        except StaleDocument:
            raise _changed(draft.name) from None
        saved = self._save(draft.name, head, moved, etag, "publish", author)
        return Endpoint(head=moved, revision=revision, etag=saved)

    def _forget_windows(self, name: str) -> None:
        """Of an endpoint that had this name once: its data are not what is usual for this one."""
        found = self._store.list(Container.METRICS, f"{name}/")
        self._store.delete_all(Container.METRICS, [item.name for item in found])

    def _check_packages(self, draft: Draft) -> None:
        for name, deployment in draft.deployments.items():
            model = deployment.model
            package = self._store.read(Container.MODELS, package_path(model.name, model.version))
            if package is None or digest_of(package.data) != model.digest:
                raise InvalidTransition(
                    f"deployment '{name}': no package of model {model.ref} with this digest is in storage: upload it"
                )
            if self._code_sources:
                check_source(name, _parsed(model.ref, package.data), self._code_sources)

    def _next_number(self, name: str, head: Head | None) -> int:
        """One above the highest written: a publish that died before its head leaves a number that is never used."""
        return max([*self._numbers(name), head.revision if head else 0]) + 1

    def _numbers(self, name: str) -> list[int]:
        stems = (
            item.name.rpartition("/")[2].removesuffix(".json")
            for item in self._store.list(Container.ENDPOINTS, f"{name}/revisions/")
        )
        return sorted(int(stem) for stem in stems if stem.isdigit())

    def set_traffic(
        self, name: str, traffic: dict[str, int], author: Author, *, if_match: str | None = None
    ) -> Endpoint:
        """Raises EndpointNotFound, InvalidTransition, StaleDocument."""
        endpoint = self._catalog.look(name)
        _check_seen(name, endpoint.etag, if_match)
        head = with_traffic(endpoint, traffic, author.at, author.id)
        saved = self._save(name, endpoint.head, head, endpoint.etag, "traffic", author)
        return Endpoint(head=head, revision=endpoint.revision, etag=saved)

    def set_key(self, name: str, kind: KeyType, key: StoredKey, author: Author) -> Endpoint:
        """Raises EndpointNotFound, InvalidTransition, StaleDocument."""
        endpoint = self._catalog.look(name)
        head = with_key(endpoint, kind, key)
        change: Change = "primary-key" if kind == "primary" else "secondary-key"
        saved = self._save(name, endpoint.head, head, endpoint.etag, change, author)
        return Endpoint(head=head, revision=endpoint.revision, etag=saved)

    def roll_back(
        self, name: str, number: int, traffic: dict[str, int] | None, author: Author, *, if_match: str | None = None
    ) -> Endpoint:
        """Makes an earlier revision current again, with the traffic that there is unless other is given.

        Raises EndpointNotFound, InvalidTransition where that revision or a package of it is not there, or lacks a
        deployment that takes traffic; SourceNotAllowed, StaleDocument.
        """
        head, etag = self._catalog.head(name)
        _check_seen(name, etag, if_match)
        if number not in self._numbers(name):
            raise InvalidTransition(f"endpoint '{name}' has no revision {number}: see its revisions")
        revision = self._catalog.read_revision(name, number)
        self._check_packages(revision)
        kept = head if traffic is None else head.model_copy(update={"traffic": {}})
        moved = with_revision(kept, revision, author.at, author.id)
        if traffic is not None:
            moved = with_traffic(Endpoint(head=moved, revision=revision), traffic, author.at, author.id)
        saved = self._save(name, head, moved, etag, "rollback", author)
        return Endpoint(head=moved, revision=revision, etag=saved)

    def delete(self, name: str, author: Author, *, if_match: str | None = None) -> None:
        """Revisions and audit stay, as what was once. Raises EndpointNotFound, InvalidTransition while it takes
        traffic or a job of it runs, StaleDocument.
        """
        head, etag = self._catalog.head(name)
        _check_seen(name, etag, if_match)
        if live := sorted(each for each, percent in head.traffic.items() if percent > 0):
            raise InvalidTransition(f"{', '.join(live)} still takes live traffic: set all traffic to 0 first")
        if self._is_working(name):
            raise InvalidTransition(f"a job of endpoint '{name}' is not over: cancel it, or wait for its end")
        noted = audit.note(self._store, _entry(name, "delete", author, head, None))
        try:
            self._store.delete(Container.ENDPOINTS, head_path(name), if_match=etag)
        except StaleDocument:
            audit.take_back(self._store, noted)
            raise _changed(name) from None
        self._catalog.forget(name)

    def revision(self, name: str, number: int) -> Revision:
        """Raises EndpointNotFound, also where it has no such revision."""
        self._catalog.head(name)
        if number not in self._numbers(name):
            raise EndpointNotFound(f"there is no endpoint '{name}' with a revision {number}")
        return self._catalog.read_revision(name, number)

    def revisions(self, name: str) -> list[RevisionItem]:
        """The newest first; those that a publish has left without ever being current, too. Raises EndpointNotFound."""
        head, _ = self._catalog.head(name)
        found = [self._catalog.read_revision(name, number) for number in reversed(self._numbers(name))]
        return [
            RevisionItem(each.number, each.created_at.isoformat(), each.created_by, each.number == head.revision)
            for each in found
        ]

    def _save(
        self, name: str, before: Head | None, after: Head, etag: str | None, change: Change, author: Author
    ) -> str:
        """First the audit, so that no change is without one; an entry whose change was not made is taken back.

        Returns the new ETag.
        """
        noted = audit.note(self._store, _entry(name, change, author, before, after))
        data = after.model_dump_json(indent=2).encode()
        try:
            saved = self._store.write(Container.ENDPOINTS, head_path(name), data, if_match=etag, create=etag is None)
        except StaleDocument:
            found = self._store.read(Container.ENDPOINTS, head_path(name))
            # A write whose reply was lost is made again, and then finds itself there.
            if found is None or found.data != data:
                audit.take_back(self._store, noted)
                raise _changed(name) from None
            saved = found.etag
        self._catalog.forget(name)
        return saved


def _check_seen(name: str, etag: str | None, if_match: str | None) -> None:
    """`etag`: of what is there; None where nothing is."""
    if if_match is not None and (etag is None if if_match == "*" else etag != if_match):
        raise _changed(name)


def _parsed(ref: ModelRef, data: bytes) -> ModelPackage:
    try:
        return ModelPackage.model_validate_json(data)
    except ValidationError:
        raise InvalidTransition(f"the package of model {ref} cannot be read: publish a new version") from None


def _entry(name: str, change: Change, author: Author, before: Head | None, after: Head | None) -> AuditEntry:
    return AuditEntry(
        endpoint=name,
        change=change,
        at=author.at,
        by=author.id,
        address=author.address,
        agent=author.agent,
        before=before,
        after=after,
    )


def _changed(name: str) -> StaleDocument:
    return StaleDocument(f"endpoint '{name}' was changed by someone else: read it and repeat the change")
