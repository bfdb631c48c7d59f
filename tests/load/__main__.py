"""`make load`: a long mixed load against a running host, while tokens and endpoint documents change under it.

`python -m tests.load --minutes 30`. It fails when anything is answered that should not be (a 5xx above all, but for
one model that is broken on purpose), or when the host's memory is not flat after its warm-up.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from devhost.errors import HostError
from samples.flights import local
from samples.flights.train import DEFAULT_OUT, ensure_trained
from shared.errors import SlipwayError
from tests.conformance.handover import Sample
from tests.load.soak import Soak

_WORK_DIR: Final = Path("build/load")
_MODELS: Final = _WORK_DIR / "models"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=150.0, help="requests a second")
    arguments = parser.parse_args()
    console = Console(highlight=False, width=110)
    ensure_trained(DEFAULT_OUT, console)
    stack = local.make_stack(_WORK_DIR)
    samples = _save_models()
    try:
        with stack:
            soak = Soak(stack, samples, console)
            soak.publish(_MODELS)
            console.print(f"load: {arguments.rate:g} requests a second for {arguments.minutes:g} minutes")
            asyncio.run(soak.run(arguments.minutes, arguments.rate))
            return soak.judge(arguments.minutes)
    except (SlipwayError, HostError, OSError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 1


def _save_models() -> dict[str, Sample]:
    # Set before the imports: neither library is to tell anybody of this.
    os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "ORT_DISABLE_TELEMETRY": "1"})
    from tests.conformance import models

    return models.save_all(_MODELS)


if __name__ == "__main__":
    sys.exit(main())
