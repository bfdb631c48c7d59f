"""`slipway`, or `python -m cli`."""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper


def _run() -> int:
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started the program
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no such letter
    sys.unraisablehook = lambda _: None  # such as of a connection that Ctrl-C has met half opened
    try:
        from cli.app import main

        return main()
    except KeyboardInterrupt:  # while all of it is still being loaded
        print("slipway: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    code = _run()
    if code:  # what is still under way, such as an upload, is not waited for
        with suppress(OSError):
            sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
