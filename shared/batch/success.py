"""The blob by which an output becomes visible, and how nobody shows one that another is taking back.

To look at the job and then to write `_SUCCESS` is not enough: whoever is held up between the two would show what has
been removed meanwhile. So `_SUCCESS` is a copy of a blob that was prepared before the look, and storage copies it only
while that one is there as it was: whoever takes the output back removes that blob first.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Self

from shared.batch.job import Job
from shared.batch.ports import Accounts
from shared.endpoints import locations
from shared.errors import SlipwayError, StaleDocument, StorageUnavailable
from shared.ports import BlobStore

SUCCESS: Final = "_SUCCESS"
# Readers skip it, for its underscore.
PREPARED: Final = "_prepared"


class Success:
    """Of one output. `prefix`: of its blobs, with a slash at its end."""

    def __init__(self, store: BlobStore, container: str, prefix: str) -> None:
        self._store = store
        self._container = container
        self._name = prefix + SUCCESS
        self._prepared = prefix + PREPARED

    @classmethod
    def of(cls, job: Job, accounts: Accounts) -> Self:
        """Raises LocationNotAllowed."""
        place = locations.parse(job.output_location, accounts.addresses)
        return cls(accounts.store(place.account), place.container, place.name)

    @property
    def is_there(self) -> bool:
        return self._store.find(self._container, self._name) is not None

    @contextmanager
    def prepared(self) -> Iterator[str]:
        """Gives what `commit` is given; before that, within, belongs a look at the job. Raises StorageUnavailable."""
        prepared = self._prepare()
        try:
            yield prepared
        except SlipwayError:
            with suppress(SlipwayError):
                self._store.delete(self._container, self._prepared, if_match=prepared)
            raise

    def _prepare(self) -> str:
        with suppress(StaleDocument):
            return self._store.write(self._container, self._prepared, b"", create=True)
        found = self._store.find(self._container, self._prepared)
        if found is None:
            raise _settled()
        return found.etag

    def commit(self, prepared: str) -> None:
        """Raises StorageUnavailable where somebody has settled it since: what is there now is to be looked at again."""
        try:
            self._store.copy(self._container, self._prepared, self._container, self._name, if_match=prepared)
        except StaleDocument:
            raise _settled() from None
        self.settle()

    def settle(self) -> None:
        """From here on nobody can commit what was prepared before: it is there by now, or never will be."""
        self._store.delete(self._container, self._prepared)


def _settled() -> StorageUnavailable:
    return StorageUnavailable("somebody else has just finished with the output: it is looked at again")
