"""How a command ends: what the app or a file says, as one line and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from shared.errors import AuthError, DependencyError, SlipwayError

REFUSED: Final = 1
# Of the command line itself; what click and most programs end with.
USAGE: Final = 2
UNAVAILABLE: Final = 3
NOT_ALLOWED: Final = 4
JOB_FAILED: Final = 5
STOPPED: Final = 130

_UNAUTHORIZED: Final = (401, 403)
_GATEWAY: Final = 500


class CommandError(Exception):
    """`code` is stable and for programs, the message for people."""

    def __init__(self, code: str, message: str, exit_code: int = REFUSED) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.exit_code = exit_code


def app_unavailable(message: str) -> CommandError:
    return CommandError("AppUnavailable", message, UNAVAILABLE)


def app_refused(code: str, message: str, status: int) -> CommandError:
    """What the app has answered instead. `status`: of HTTP."""
    if status in _UNAUTHORIZED:
        return CommandError(code, message, NOT_ALLOWED)
    return CommandError(code, message, UNAVAILABLE if status >= _GATEWAY else REFUSED)


@contextmanager
def on_side(name: str) -> Iterator[None]:
    """Of what goes wrong within, says where: between two environments it could be either."""
    try:
        yield
    except (CommandError, SlipwayError, AzureError) as error:
        known = told(error)
        raise CommandError(known.code, f"{name}: {known.message}", known.exit_code) from None


def told(error: CommandError | SlipwayError | AzureError) -> CommandError:
    """What the app, a flow of its own code on this machine, or storage has raised."""
    if isinstance(error, CommandError):
        return error
    if isinstance(error, AzureError):
        return _of_storage(error)
    kinds = {AuthError: NOT_ALLOWED, DependencyError: UNAVAILABLE}
    exit_code = next((exit_code for kind, exit_code in kinds.items() if isinstance(error, kind)), REFUSED)
    return CommandError(error.code, error.message, exit_code)


def _of_storage(error: AzureError) -> CommandError:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, ClientAuthenticationError) and status is None:
        return CommandError(
            "NotAuthenticated",
            "nobody is signed in for storage: sign in with `az login`, or correct the key in the profile's storage",
            NOT_ALLOWED,
        )
    if isinstance(error, ClientAuthenticationError) or status in _UNAUTHORIZED:
        return CommandError(
            "NotAuthorized",
            "storage does not let you in: you need the role Slipway Publisher, or Storage Blob Data Contributor, "
            "on its container models",
            NOT_ALLOWED,
        )
    if status is None:
        return CommandError("StorageUnavailable", "storage does not answer: is its address right?", UNAVAILABLE)
    return CommandError(
        "StorageUnavailable", f"storage answers {status}: try again", UNAVAILABLE if status >= _GATEWAY else REFUSED
    )
