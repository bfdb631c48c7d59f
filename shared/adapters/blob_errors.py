"""What the storage SDK raises, in the words of `shared/errors`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from azure.core.exceptions import AzureError, HttpResponseError

from shared.errors import ConfigurationError, SlipwayError, StaleDocument, StorageRefused, StorageUnavailable

# Of all conflicts only these say that somebody was faster; the others, such as a copy under way, pass by themselves.
_CHANGED: Final = ("BlobAlreadyExists", "ConditionNotMet", "SourceConditionNotMet")
# Another writer of the same blob was done first, which threw this one's pieces away: it may write them anew.
_PIECES_LOST: Final = ("InvalidBlockList", "InvalidBlobOrBlock")
_BAD_REQUEST: Final = 400


@contextmanager
def translated(container: str, name: str) -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        if code(error) in _CHANGED:
            raise changed(container, name) from error
        raise unavailable(container, error) from error


def code(error: AzureError) -> str | None:
    """The service's own word for what is wrong; the SDK adds it to errors that came from storage."""
    return getattr(error, "error_code", None)


def changed(container: str, name: str) -> StaleDocument:
    return StaleDocument(f"{container}/{name} is not what it was when it was read: read it again and repeat the change")


def unavailable(container: str, error: AzureError) -> SlipwayError:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status in (401, 403):
        return ConfigurationError(
            f"storage refuses the app the container '{container}' ({status}): give the app's identity its role there"
        )
    if status == _BAD_REQUEST and code(error) not in _PIECES_LOST:
        return StorageRefused(f"the storage account does not take this for the container '{container}': see its names")
    reason = f"answered {status}" if status else "did not answer"
    return StorageUnavailable(f"the storage account {reason} for the container '{container}': try again in a moment")
