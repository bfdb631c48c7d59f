"""`make serve`: leaves storage, issuer and host running, and says how to call them."""

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from rich.console import Console

from cli.profiles import FILE
from samples.flights.local import BY_CARRIER, ENDPOINT, FAILURES, running, token, write_profile
from shared.auth.access import Role

_WORK_DIR: Final = Path("build/serve")


def main() -> int:
    parser = argparse.ArgumentParser(prog="samples.flights.serve", description=__doc__)
    # As in local.settings.sample.json.
    parser.add_argument("--port", type=int, default=7071, help="of the host")
    parser.add_argument("--issuer-port", type=int, default=7072, help="of the token issuer")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    is_up = False
    # Also where the shell that started it has them ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with running(console, _WORK_DIR, (arguments.port, arguments.issuer_port)) as stack:
            console.print(
                f"\nhost     {stack.url}\nissuer   {stack.issuer}\nstorage  {stack.connection_string}\n", soft_wrap=True
            )
            console.print("[bold]score a flight[/bold] (the token holds Endpoint.Score for one hour):\n")
            # Plain print: a line that is to be pasted must not be wrapped.
            print(
                f"curl {stack.url}/endpoints/{ENDPOINT}/score -H 'Content-Type: application/json' "
                f"-H 'Authorization: Bearer {token(stack, [Role.SCORE])}' --data @samples/flights/request.json\n"
            )
            profiles = (_WORK_DIR / FILE).absolute()
            write_profile(stack, profiles)
            console.print("[bold]use the command line[/bold] in another terminal:\n")
            print(f"export SLIPWAY_PROFILES={profiles}\n{Path('.venv/bin/slipway').absolute()} list\n")
            console.print(f"One model a carrier answers at /endpoints/{BY_CARRIER}/score.\nCtrl-C stops it all.")
            is_up = True
            threading.Event().wait()
    except FAILURES as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if not is_up:
            print("serve: stopped", file=sys.stderr)
    return 0 if is_up else 130


if __name__ == "__main__":
    sys.exit(main())
