"""Starts a worker: `python bootstrap.py CHANNEL PARENT PATHS`, in whichever interpreter the model wants.

CHANNEL: the number of an open socket; PARENT: the process that holds its other end; PATHS: as JSON, the folders that
come first and last in `sys.path`. This folder is loaded under a private name, so that nothing of the app can be
imported here: a script that imports `shared` gets the one beside it.
"""

from __future__ import annotations

import sys


def main() -> None:
    here = __file__.rpartition("/")[0]
    # Before anything else is imported: Python puts the folder of the program first.
    if sys.path and sys.path[0] == here:
        del sys.path[0]
    sys.dont_write_bytecode = True  # a package stays as it was published
    import importlib
    import importlib.util
    import json
    import os
    import socket

    channel, parent, paths = sys.argv[1:4]
    sys.argv = [""]
    _die_with(int(parent))
    os.set_inheritable(int(channel), False)
    first, last = json.loads(paths)
    sys.path[:0] = first
    sys.path += [path for path in last if path not in sys.path]
    # Printed lines are told as they come, and not when the process ends.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]

    spec = importlib.util.spec_from_file_location(
        "_slipway_sandbox", here + "/__init__.py", submodule_search_locations=[here]
    )
    if spec is None or spec.loader is None:
        raise ImportError(here)
    package = importlib.util.module_from_spec(spec)
    sys.modules["_slipway_sandbox"] = package
    spec.loader.exec_module(package)
    importlib.import_module("_slipway_sandbox.serving").serve(socket.socket(fileno=int(channel)))


def _die_with(parent: int) -> None:
    """The kernel ends this process when the one that started it ends, however busy this one is."""
    import ctypes
    import os
    import signal

    set_parent_death_signal = 1  # PR_SET_PDEATHSIG in linux/prctl.h
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(set_parent_death_signal, int(signal.SIGKILL))
    if os.getppid() != parent:  # it ended before the kernel was told
        os._exit(1)


if __name__ == "__main__":
    main()
