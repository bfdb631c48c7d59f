"""Files on the way side by side, and dropped when somebody stops the program."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import Final

# As many as a client of storage keeps connections.
_AT_ONCE: Final = 10
# A large file on a slow line would keep whoever has pressed Ctrl-C waiting for its end.
_GRACE_S: Final = 2.0


def run(calls: Sequence[Callable[[Event], None]]) -> None:
    """Each is given what is set when it is to stop.

    Raises what the first of them raises. Those under way then, or at Ctrl-C, get 2 s to end; no other is begun.
    """
    pool, stop = ThreadPoolExecutor(_AT_ONCE), Event()
    coming = [pool.submit(call, stop) for call in calls]
    try:
        for each in coming:
            each.result()
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        wait([each for each in coming if not each.cancelled()], _GRACE_S)
