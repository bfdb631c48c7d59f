"""Reads endpoint documents from storage.

Readers use a document for `refresh_s` and then look at the head again; a change is seen within that time. While
storage does not answer, the last known document goes on serving.
"""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from pydantic import ValidationError

from shared.endpoints.deployment import ENDPOINT_NAME_PATTERN
from shared.endpoints.spec import Endpoint, Head, Revision
from shared.errors import ConfigurationError, EndpointNotFound, Overloaded, StorageUnavailable
from shared.ports import BlobStore, Container

_log = logging.getLogger(__name__)
_NAME = re.compile(ENDPOINT_NAME_PATTERN)
# How long a request waits for a newer document than the one that is known, s.
_PATIENCE_S = 1.0
# Names that are not there are remembered, too, and looked for a few at a time: strangers may ask for any.
_MAX_ABSENT = 1024
_MAX_SEARCHES = 8
# Of those who have not shown who they are: so few that they leave threads to all others.
_MAX_STRANGERS = 3
_READ_AT_ONCE = 8


class _Kept(NamedTuple):
    endpoint: Endpoint
    looked_at: float


class Catalog:
    def __init__(self, store: BlobStore, refresh_s: float, clock: Callable[[], float]) -> None:
        self._store = store
        self._refresh_s = refresh_s
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._looking: dict[str, asyncio.Task[Endpoint]] = {}
        self._absent: OrderedDict[str, float] = OrderedDict()
        self._searches = asyncio.Semaphore(_MAX_SEARCHES)
        self._strangers = 0
        self._names: tuple[float, list[str]] = (float("-inf"), [])

    async def read_online(self, name: str, stranger: bool = False) -> Endpoint:
        """As `read`, one look at a time; a known document goes on serving while storage is slow.

        An endpoint that was not there is not looked for again within `refresh_s`. `stranger`: the caller has not shown
        who it is; what is not known yet is refused while other strangers are looking for theirs.
        """
        kept = self._kept.get(name)
        if kept is not None and self._is_fresh(kept):
            return kept.endpoint
        if kept is None and self._clock() - self._absent.get(name, float("-inf")) < self._refresh_s:
            raise EndpointNotFound(f"there is no endpoint '{name}'")
        look = self._looking.get(name)
        if look is None:
            if kept is not None:
                reading = asyncio.to_thread(self.read, name)
            else:
                reading = self._search_for_stranger(name) if stranger else self._search(name)
            look = self._looking[name] = asyncio.create_task(reading)
            look.add_done_callback(lambda _: self._looking.pop(name, None))
        done, _ = await asyncio.wait({look}, timeout=_PATIENCE_S if kept else None)
        if done or kept is None:
            return look.result()
        # The others need not wait for the same slow look.
        self._kept[name] = kept._replace(looked_at=self._clock())
        return kept.endpoint

    async def _search(self, name: str) -> Endpoint:
        check_name(name)
        async with self._searches:
            return await self._found(name)

    def _search_for_stranger(self, name: str) -> Coroutine[Any, Any, Endpoint]:
        """Nobody waits in a queue of strangers, which anybody could make long. Raises Overloaded at once."""
        check_name(name)
        if self._strangers >= _MAX_STRANGERS:
            raise Overloaded("too many callers ask for endpoints that are not known here yet: try again shortly")
        self._strangers += 1
        return self._found(name, stranger=True)

    async def _found(self, name: str, stranger: bool = False) -> Endpoint:
        try:
            return await asyncio.to_thread(self.read, name)
        except EndpointNotFound:
            self._absent[name] = self._clock()
            if len(self._absent) > _MAX_ABSENT:
                self._absent.popitem(last=False)
            raise
        finally:
            self._strangers -= stranger

    def read(self, name: str) -> Endpoint:
        """At most `refresh_s` old. Raises EndpointNotFound."""
        kept = self._kept.get(name)
        if kept is not None and self._is_fresh(kept):
            return kept.endpoint
        try:
            self._kept[name] = kept = self._look(name, kept)
        except EndpointNotFound:
            self._kept.pop(name, None)
            raise
        except (StorageUnavailable, ConfigurationError) as error:
            if kept is None:
                raise
            _log.warning("endpoint %s: serving the last known document: %s", name, error.message)
            # Asked again after `refresh_s`: each try may take long, and callers must not wait for one each.
            self._kept[name] = kept._replace(looked_at=self._clock())
        return kept.endpoint

    def _is_fresh(self, kept: _Kept) -> bool:
        return self._clock() - kept.looked_at < self._refresh_s

    def _look(self, name: str, kept: _Kept | None) -> _Kept:
        check_name(name)
        blob = self._store.read(Container.ENDPOINTS, head_path(name))
        if blob is None:
            raise EndpointNotFound(f"there is no endpoint '{name}'")
        now = self._clock()
        if kept is not None and kept.endpoint.etag == blob.etag:
            return kept._replace(looked_at=now)
        head = _parsed(Head, blob.data, name)
        if kept is not None and kept.endpoint.head.revision == head.revision:
            revision = kept.endpoint.revision
        else:
            revision = self.read_revision(name, head.revision)
        return _Kept(Endpoint(head=head, revision=revision, etag=blob.etag), now)

    def read_revision(self, name: str, number: int) -> Revision:
        blob = self._store.read(Container.ENDPOINTS, revision_path(name, number))
        if blob is None:
            raise ConfigurationError(f"endpoint '{name}' names revision {number}, which is not there: publish it again")
        return _parsed(Revision, blob.data, name)

    def names(self) -> list[str]:
        """At most `refresh_s` old: one tick of the timer asks more than once."""
        looked_at, names = self._names
        now = self._clock()
        if now - looked_at >= self._refresh_s:
            names = self._list()
            self._names = (now, names)
        return names

    def _list(self) -> list[str]:
        found = (item.name.partition("/") for item in self._store.list(Container.ENDPOINTS))
        return [name for name, _, rest in found if rest == "head.json"]

    def heads(self) -> list[tuple[str, Head]]:
        """Of all endpoints as they are now, by name; one that cannot be read, or is gone meanwhile, is left out."""

        def head(name: str) -> Head | None:
            try:
                return self.find_head(name)[0]
            except (ConfigurationError, EndpointNotFound) as error:
                _log.warning("endpoint %s: %s", name, error.message)
                return None

        names = self._list()
        with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
            return [(name, found) for name, found in zip(names, pool.map(head, names), strict=True) if found]

    def look(self, name: str) -> Endpoint:
        """As it is in storage now: what a change begins from. Raises EndpointNotFound."""
        return self._look(name, None).endpoint

    def find_head(self, name: str) -> tuple[Head | None, str | None]:
        """As `look`, with the head's ETag, also of an endpoint that is new; its revision is not read."""
        check_name(name)
        blob = self._store.read(Container.ENDPOINTS, head_path(name))
        return (_parsed(Head, blob.data, name), blob.etag) if blob else (None, None)

    def head(self, name: str) -> tuple[Head, str]:
        """As `find_head`. Raises EndpointNotFound."""
        head, etag = self.find_head(name)
        if head is None or etag is None:
            raise EndpointNotFound(f"there is no endpoint '{name}'")
        return head, etag

    def forget(self, name: str) -> None:
        """That was changed by this process."""
        self._kept.pop(name, None)
        self._absent.pop(name, None)
        self._names = (float("-inf"), [])


def check_name(name: str) -> None:
    """What comes from a caller's address may be anything, and is made into a blob's path here."""
    if len(name) > 32 or not _NAME.fullmatch(name):
        raise EndpointNotFound("there is no endpoint of this name")


def head_path(name: str) -> str:
    return f"{name}/head.json"


def revision_path(name: str, number: int) -> str:
    return f"{name}/revisions/{number}.json"


def _parsed[D: (Head, Revision)](kind: type[D], data: bytes, name: str) -> D:
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        raise ConfigurationError(
            f"a document of endpoint '{name}' cannot be read: publish the endpoint again"
        ) from None
