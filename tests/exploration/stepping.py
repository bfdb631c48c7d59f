"""Ports that stop before every operation until they are told how it is to go."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from shared.adapters.memory import MemoryBlobs
from shared.batch.events import JobEvent
from shared.errors import StorageUnavailable
from shared.ports import Blob, BlobItem, Page, Times


class Mode(StrEnum):
    """How an operation goes: as it should; not at all, or all the same, with an error; or its process dies before."""

    OK = ""
    BEFORE = "before"
    AFTER = "after"
    DIE = "die"


class Access(NamedTuple):
    """`place`: `container/name`; with `below` everything that begins so."""

    place: str
    writes: bool
    below: bool = False

    def meets(self, other: "Access") -> bool:
        if not self.writes and not other.writes:
            return False
        if self.below:
            return other.place.startswith(self.place)
        return self.place.startswith(other.place) if other.below else self.place == other.place


class Step(NamedTuple):
    """An operation that is about to happen. `accesses`: what it has to do with the operations of others."""

    operation: str
    place: str = ""
    accesses: tuple[Access, ...] = ()
    changes: bool = False

    def meets(self, other: "Step") -> bool:
        """Whether it matters which of the two comes first."""
        return any(a.meets(b) for a in self.accesses for b in other.accesses)

    def __str__(self) -> str:
        return f"{self.operation} {self.place}".rstrip()


class Stepper(Protocol):
    """`seen`: a hash of all that the process was told so far and may still remember."""

    seen: int

    def stop(self, step: Step) -> Mode:
        """Returns when the operation is to go on."""
        ...

    def saw(self, step: Step, result: object) -> None:
        """What the operation told its caller, as something that can be hashed."""
        ...


class SteppedStore:
    """A BlobStore."""

    def __init__(self, inner: MemoryBlobs, stepper: Stepper) -> None:
        self._inner = inner
        self._stepper = stepper

    def read(
        self,
        container: str,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        return self._do(
            _reading("read", container, name),
            lambda: self._inner.read(container, name, offset=offset, length=length, if_match=if_match),
            lambda blob: blob and blob.etag,
        )

    def find(self, container: str, name: str) -> BlobItem | None:
        return self._do(
            _reading("find", container, name),
            lambda: self._inner.find(container, name),
            lambda item: item and _of(item),
        )

    def times(self, container: str, name: str) -> Times | None:
        return self._do(
            _reading("times", container, name), lambda: self._inner.times(container, name), lambda told: told
        )

    def list(self, container: str, prefix: str = "") -> Iterator[BlobItem]:
        return iter(
            self._do(
                _listing(container, prefix),
                lambda: [*self._inner.list(container, prefix)],
                lambda items: tuple(map(_of, items)),
            )
        )

    def list_page(self, container: str, prefix: str, most: int, marker: str = "") -> Page:
        return self._do(
            _listing(container, prefix),
            lambda: self._inner.list_page(container, prefix, most, marker),
            lambda page: tuple(map(_of, page.items)),
        )

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
        return self._do(
            _writing("write", container, name),
            lambda: self._inner.write(container, name, data, if_match=if_match, create=create, metadata=metadata),
            lambda etag: etag,
        )

    def write_blocks(self, container: str, name: str, blocks: Iterable[bytes], *, create: bool = False) -> str:
        # What the pieces are made of is read before the blob appears.
        pieces = list(blocks)
        return self._do(
            _writing("write", container, name),
            lambda: self._inner.write_blocks(container, name, pieces, create=create),
            lambda etag: etag,
        )

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
        accesses = (Access(f"{source}/{source_name}", writes=False), Access(f"{target}/{target_name}", writes=True))
        self._do(
            Step("copy", f"{target}/{target_name}", accesses, changes=True),
            lambda: self._inner.copy(source, source_name, target, target_name, metadata, if_match=if_match),
            lambda nothing: nothing,
        )

    def delete(self, container: str, name: str, *, if_match: str | None = None) -> None:
        self._do(
            _writing("delete", container, name),
            lambda: self._inner.delete(container, name, if_match=if_match),
            lambda nothing: nothing,
        )

    def delete_all(self, container: str, names: Iterable[str]) -> None:
        for name in names:
            self.delete(container, name)

    def _do[T](self, step: Step, call: Callable[[], T], told: Callable[[T], object]) -> T:
        return stepped(self._stepper, step, call, told)


class SteppedAnnouncer:
    """An Announcer. What one announces never hinders another."""

    def __init__(self, events: list[JobEvent], stepper: Stepper) -> None:
        self._events = events
        self._stepper = stepper

    def announce(self, event: JobEvent) -> None:
        step = Step("announce", event.id, changes=True)
        stepped(self._stepper, step, lambda: self._events.append(event), lambda nothing: nothing)


def stepped[T](stepper: Stepper, step: Step, call: Callable[[], T], told: Callable[[T], object]) -> T:
    mode = stepper.stop(step)
    if mode == Mode.BEFORE:
        stepper.saw(step, mode)
        raise StorageUnavailable("storage does not answer: try again")
    try:
        result = call()
    except Exception as error:
        stepper.saw(step, (mode, str(error)))
        if mode == Mode.AFTER:
            raise StorageUnavailable("storage did not answer: try again") from error
        raise
    if mode == Mode.AFTER:
        stepper.saw(step, mode)
        raise StorageUnavailable("storage did not answer: try again")
    stepper.saw(step, told(result))
    return result


def _reading(operation: str, container: str, name: str) -> Step:
    place = f"{container}/{name}"
    return Step(operation, place, (Access(place, writes=False),))


def _listing(container: str, prefix: str) -> Step:
    place = f"{container}/{prefix}"
    return Step("list", place, (Access(place, writes=False, below=True),))


def _writing(operation: str, container: str, name: str) -> Step:
    place = f"{container}/{name}"
    return Step(operation, place, (Access(place, writes=True),), changes=True)


def _of(item: BlobItem) -> object:
    return item.name, item.etag, tuple(item.metadata.items())
