"""What storage answers, in the app's own words: what passes may be tried again, and what does not is told as such."""

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError

from shared.adapters.blob_errors import translated
from shared.errors import ConfigurationError, SlipwayError, StaleDocument, StorageRefused, StorageUnavailable


def answer(status: int, code: str | None = None) -> HttpResponseError:
    error = HttpResponseError(f"secret-name: {code}")
    error.status_code = status
    vars(error)["error_code"] = code  # as the storage SDK does
    return error


@pytest.mark.parametrize(
    ("error", "expected", "retryable"),
    [
        (answer(400, "OutOfRangeInput"), StorageRefused, False),
        (answer(400, "InvalidUri"), StorageRefused, False),
        (answer(400), StorageRefused, False),
        (answer(400, "InvalidBlockList"), StorageUnavailable, True),
        (answer(400, "InvalidBlobOrBlock"), StorageUnavailable, True),
        (answer(401), ConfigurationError, True),
        (answer(403, "AuthorizationPermissionMismatch"), ConfigurationError, True),
        (answer(409, "BlobAlreadyExists"), StaleDocument, False),
        (answer(412, "ConditionNotMet"), StaleDocument, False),
        (answer(412, "SourceConditionNotMet"), StaleDocument, False),
        (answer(409, "LeaseIdMissing"), StorageUnavailable, True),
        (answer(500, "InternalError"), StorageUnavailable, True),
        (answer(503, "ServerBusy"), StorageUnavailable, True),
        (ServiceRequestError("no route to secret-name"), StorageUnavailable, True),
    ],
)
def test_what_storage_answers_is_told_in_the_apps_words(
    error: AzureError, expected: type[SlipwayError], retryable: bool
) -> None:
    with pytest.raises(expected) as raised, translated("jobs", "a/b"):
        raise error
    assert type(raised.value) is expected
    assert raised.value.retryable is retryable
    assert "secret-name" not in raised.value.message
    assert "jobs" in raised.value.message
