"""The worker's life: load a model once, then answer calls in its main thread until the app is gone."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Any, Protocol

from .wire import FrameTooLarge, NoFrame, receive, send

Frame = tuple[dict[str, Any], Sequence["memoryview | bytes"]]


class Answerer(Protocol):
    """A loaded model. `ready`: what the app is told when it is loaded."""

    ready: dict[str, Any]

    def answer(self, header: dict[str, Any], parts: Sequence[memoryview]) -> Frame: ...


def serve(channel: socket.socket) -> None:
    """Returns when the app is gone. What ends the process otherwise is the model's own doing."""
    threading.Thread(target=_end_with_the_app, args=(channel.fileno(),), daemon=True).start()
    try:
        loaded = _load(*receive(channel))
    except BaseException as error:  # the app must hear of it, whatever it is: sys.exit in a script, too
        send(channel, {"error": tell(error)})
        os._exit(1)  # threads that the model has started cannot hold it up
    send(channel, loaded.ready)
    while True:
        try:
            header, parts = receive(channel)
        except (EOFError, NoFrame, OSError):
            return
        reply, answer = loaded.answer(header, parts)
        try:
            send(channel, reply, answer)
        except FrameTooLarge as error:
            send(channel, {"error": {"kind": "failed", "text": f"the answer is too large: {error}"}})


def _load(header: dict[str, Any], parts: Sequence[memoryview]) -> Answerer:
    if header["flavor"] == "pyfunc":
        from .pyfunc import Pyfunc

        return Pyfunc(header, parts)
    from .script import Script

    return Script(header["script"], header["output_folder"])


def tell(error: BaseException, kind: str = "failed") -> dict[str, str]:
    """Type and message for the app; the stack goes to the log."""
    traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
    return {"kind": kind, "text": f"{type(error).__name__}: {error}"[:2000]}


def _end_with_the_app(channel: int) -> None:
    """Ends this process and all that it has started as soon as the channel's other end is closed."""
    closed = select.poll()
    closed.register(channel, 0)  # only hang-ups and errors
    closed.poll()
    os.killpg(0, signal.SIGKILL)
