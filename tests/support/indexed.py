"""The functions and bindings as the worker indexes them. Also a program: an app is indexed once a process."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from devhost.worker import Worker

_ROOT = Path(__file__).parents[2]


def indexed() -> dict[str, Any]:
    """Function name to its bindings, indexed in a process of its own without any app setting."""
    printed = subprocess.run(
        [sys.executable, "-m", "tests.support.indexed"], cwd=_ROOT, env={}, check=True, capture_output=True, text=True
    ).stdout
    functions: dict[str, Any] = json.loads(printed)
    return functions


async def _index() -> dict[str, Any]:
    functions = await Worker().index(_ROOT)
    return {
        function.name: [binding._asdict() for binding in (function.trigger, *function.inputs, *function.outputs)]
        for function in functions
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_index()), indent=2))
