"""How a command ends: what the app or a file says, as one line and an exit code."""

from typing import Final

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


def told(error: SlipwayError) -> CommandError:
    """What a flow of the app's own code has raised on this machine."""
    kinds = {AuthError: NOT_ALLOWED, DependencyError: UNAVAILABLE}
    exit_code = next((exit_code for kind, exit_code in kinds.items() if isinstance(error, kind)), REFUSED)
    return CommandError(error.code, error.message, exit_code)
