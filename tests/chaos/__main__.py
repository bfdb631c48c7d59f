"""`make chaos`: jobs of mixed sizes on two hosts, and everything that may go wrong going wrong, for half an hour.

The run fails when a job is missing or is not what its undisturbed twin is, when a reader ever saw half of an output,
when something is left in staging, or when a kind of fault never had an effect.
"""

import argparse
import sys
import time

from devhost.errors import HostError
from tests.chaos.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long faults go on (30)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000, help="which jobs and faults are drawn")
    arguments = parser.parse_args()
    try:
        return run(arguments.minutes, arguments.seed)
    except (HostError, TimeoutError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
