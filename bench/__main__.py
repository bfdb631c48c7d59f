"""`make bench`: what it costs, beside what users would pick instead. All in one run, on one machine.

`python -m bench online handler batching startup batch` runs the parts that are named, in this order, or all.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import batch, batching, handler, models, online, startup
from devhost.errors import HostError
from devhost.stack import Stack
from samples.flights.local import ENDPOINT_FILE, make_stack, publish
from samples.flights.train import DEFAULT_OUT, ensure_trained
from shared.errors import SlipwayError

_WORK_DIR: Final = Path("build/bench/stack")
_MINI_BATCH_SIZE: Final = 50_000
_SHOWN: Final = ("azure-functions-runtime", "onnxruntime", "fastapi", "pydantic", "uvicorn", "pyarrow", "orjson")
_PEERS: Final = {
    "azmlserver": ("azureml-inference-server-http", "onnxruntime", "Flask", "gunicorn"),
    "mlflowserver": ("mlflow", "onnxruntime", "scikit-learn", "uvicorn"),
}
_PARTS: Final[dict[str, Callable[[Console, Stack, Path], None]]] = {
    "online": online.run,
    "handler": handler.run,
    "batching": batching.run,
    "startup": startup.run,
    "batch": batch.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*_PARTS, []], help="what to measure; all without a name")
    wanted = parser.parse_args().parts or [*_PARTS]
    console = Console(highlight=False, width=110)
    started = time.monotonic()
    ensure_trained(DEFAULT_OUT, console)
    models.ensure_made()
    _print_versions(console)
    stack = make_stack(_WORK_DIR)
    try:
        with stack:
            _publish_flights(stack)
            for name in _PARTS:
                if name in wanted:
                    _PARTS[name](console, stack, _WORK_DIR)
    except (SlipwayError, HostError, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    console.print(f"bench: {(time.monotonic() - started) / 60:.1f} min, load {os.getloadavg()[0]:.1f} at the end")
    return 0


def _print_versions(console: Console) -> None:
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    console.print(", ".join(f"{name} {version(name)}" for name in _SHOWN), soft_wrap=True)
    for env, names in _PEERS.items():
        code = f"from importlib.metadata import version as v; print(', '.join(f'{{n}} {{v(n)}}' for n in {names}))"
        command = [f"build/envs/{env}/bin/python", "-c", code]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        console.print(f"{env}: {told}", soft_wrap=True)


def _publish_flights(stack: Stack) -> None:
    """As the sample, in larger mini-batches."""
    endpoint_file = _WORK_DIR / "endpoint.yaml"
    text = ENDPOINT_FILE.read_text()
    endpoint_file.write_text(re.sub(r"mini_batch_size: \d+", f"mini_batch_size: {_MINI_BATCH_SIZE}", text))
    publish(stack, DEFAULT_OUT / "models", endpoint_file)


if __name__ == "__main__":
    sys.exit(main())
