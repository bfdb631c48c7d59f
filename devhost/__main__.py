"""`python -m devhost`: run an Azure Functions app on this machine."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

import uvloop

from devhost.errors import HostError
from devhost.host import Address, run
from devhost.processes import EXIT_WITH_PARENT, watch_parent


def main() -> int:
    """Run until stopped; a reason not to start is one line on stderr and status 1."""
    parser = argparse.ArgumentParser(prog="devhost", description=__doc__)
    parser.add_argument("--app", type=Path, default=Path(), help="folder with function_app.py and host.json")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on (7071)")
    parser.add_argument(EXIT_WITH_PARENT, action="store_true", help="end when standard input is closed")
    arguments = parser.parse_args()
    if arguments.exit_with_parent:
        watch_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(arguments.app.resolve(), Address(arguments.host, arguments.port)))
    except HostError as exc:
        print(f"devhost: {exc.line}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
