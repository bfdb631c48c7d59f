"""Every error that a caller can meet, as one tree.

SlipwayError
    AuthError
        NotAuthenticated            no credentials came
            TokenRejected           a token came and was not good
        CredentialsMalformed        the Authorization header cannot be read
        NotAuthorized               a good token without the role
            LocationNotAllowed      the endpoint's jobs may not read or write there
            SourceNotAllowed        models that run code may not come from there
    RequestError
        MethodNotAllowed            the address does not take this method
        MalformedRequest            the body is not what the protocol asks
        UnsupportedMediaType        the content type is not taken
        PayloadTooLarge             over a stated bound
        SchemaMismatch              rows or columns do not fit the model's signature
        UnreadableInput             a file of a batch job cannot be read at all
        ErrorThresholdExceeded      a batch job rejected more rows than it may
    NotFound
        EndpointNotFound, DeploymentNotFound, JobNotFound, ModelNotFound
        RouteNotFound               nothing is served at this address
    Conflict
        InvalidTransition           the thing is not in a state that allows this
            InputChanged            a job's input is no longer what the job was made for
            StaleAttempt            another attempt of the job has taken over
            OutputTaken             another job writes to this output location
            JobCanceled             the job was canceled
            JobFailed               the job has failed; its document says why
        StaleDocument               the document changed since it was read, or is not what the caller has seen
    ModelError
        ModelNotReady               the model is not loaded, or cannot be
        Overloaded                  more is waiting than the deployment takes
        ScoringTimeout              the model did not answer in time
        ScoringFailed               the model raised
    DependencyError
        StorageUnavailable, IdentityProviderUnavailable
        StorageRefused              storage does not take what it was asked, and never will
    ConfigurationError              a setting is missing or wrong

`code` is stable and for programs, the message is for people and says what to do. Which HTTP status an error
becomes is not known here: `triggers/http.py` holds that table.
"""

from collections.abc import Sequence
from typing import ClassVar


class SlipwayError(Exception):
    """Anything that is told to a caller. `retryable`: the same call may succeed later, unchanged."""

    code: ClassVar[str] = "InternalError"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class AuthError(SlipwayError):
    code = "AuthError"


class NotAuthenticated(AuthError):
    code = "NotAuthenticated"


class TokenRejected(NotAuthenticated):
    code = "TokenRejected"


class CredentialsMalformed(AuthError):
    code = "CredentialsMalformed"


class NotAuthorized(AuthError):
    code = "NotAuthorized"


class LocationNotAllowed(NotAuthorized):
    code = "LocationNotAllowed"


class SourceNotAllowed(NotAuthorized):
    code = "SourceNotAllowed"


class RequestError(SlipwayError):
    code = "RequestError"


class MethodNotAllowed(RequestError):
    """`allow`: the methods that are taken, as RFC 9110, section 15.5.6 wants them told."""

    code = "MethodNotAllowed"

    def __init__(self, message: str, allow: str = "") -> None:
        super().__init__(message)
        self.allow = allow


class MalformedRequest(RequestError):
    code = "MalformedRequest"


class UnsupportedMediaType(RequestError):
    code = "UnsupportedMediaType"


class PayloadTooLarge(RequestError):
    code = "PayloadTooLarge"


class SchemaMismatch(RequestError):
    """`missing`: the inputs that the model needs and that did not come, where that is what is wrong."""

    code = "SchemaMismatch"

    def __init__(self, message: str, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)


class UnreadableInput(RequestError):
    code = "UnreadableInput"


class ErrorThresholdExceeded(RequestError):
    code = "ErrorThresholdExceeded"


class NotFound(SlipwayError):
    code = "NotFound"


class EndpointNotFound(NotFound):
    code = "EndpointNotFound"


class DeploymentNotFound(NotFound):
    code = "DeploymentNotFound"


class JobNotFound(NotFound):
    code = "JobNotFound"


class ModelNotFound(NotFound):
    code = "ModelNotFound"


class RouteNotFound(NotFound):
    code = "RouteNotFound"


class Conflict(SlipwayError):
    code = "Conflict"


class InvalidTransition(Conflict):
    code = "InvalidTransition"


class InputChanged(InvalidTransition):
    code = "InputChanged"


class StaleAttempt(InvalidTransition):
    code = "StaleAttempt"


class OutputTaken(InvalidTransition):
    code = "OutputTaken"


class JobCanceled(InvalidTransition):
    code = "JobCanceled"


class JobFailed(InvalidTransition):
    code = "JobFailed"


class StaleDocument(Conflict):
    code = "StaleDocument"


class ModelError(SlipwayError):
    code = "ModelError"


class ModelNotReady(ModelError):
    code = "ModelNotReady"
    retryable = True


class Overloaded(ModelError):
    """`retry_after_s`: when to come again."""

    code = "Overloaded"
    retryable = True

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ScoringTimeout(ModelError):
    code = "ScoringTimeout"
    retryable = True


class ScoringFailed(ModelError):
    code = "ScoringFailed"


class DependencyError(SlipwayError):
    code = "DependencyError"
    retryable = True


class StorageUnavailable(DependencyError):
    code = "StorageUnavailable"


class StorageRefused(DependencyError):
    code = "StorageRefused"
    retryable = False


class IdentityProviderUnavailable(DependencyError):
    code = "IdentityProviderUnavailable"


class ConfigurationError(SlipwayError):
    code = "ConfigurationError"
    retryable = True  # once somebody has mended it, which must not cost a job
