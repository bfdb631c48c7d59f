"""`make bench`: what it costs, beside what a team would write itself. All in one run, on one machine."""

import os
import platform
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import batch, online
from devhost.errors import HostError
from samples.flights.local import ENDPOINT_FILE, make_stack, publish
from samples.flights.train import DEFAULT_OUT, ensure_trained
from shared.errors import SlipwayError

_WORK_DIR: Final = Path("build/bench")
_MINI_BATCH_SIZE: Final = 50_000
_SHOWN: Final = ("azure-functions-runtime", "onnxruntime", "fastapi", "pydantic", "uvicorn", "pyarrow", "orjson")


def main() -> int:
    console = Console(highlight=False)
    ensure_trained(DEFAULT_OUT, console)
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    console.print(", ".join(f"{name} {version(name)}" for name in _SHOWN), soft_wrap=True)
    stack = make_stack(_WORK_DIR)
    try:
        with stack:
            endpoint_file = _WORK_DIR / "endpoint.yaml"
            text = ENDPOINT_FILE.read_text()
            endpoint_file.write_text(re.sub(r"mini_batch_size: \d+", f"mini_batch_size: {_MINI_BATCH_SIZE}", text))
            publish(stack, DEFAULT_OUT / "models", endpoint_file)
            online.run(console, stack)
            batch.run(console, stack, _WORK_DIR)
    except (SlipwayError, HostError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
