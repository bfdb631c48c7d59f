"""What a process pays that only indexes the functions: no SDK, no model runtime, no cryptography."""

import subprocess
import sys
from pathlib import Path

# Each comes with the first call that needs it; `python -m bench.imports` tells what that costs.
LATER = (
    "aiohttp",
    "azure.core",
    "azure.identity",
    "azure.monitor",
    "azure.storage",
    "cryptography",
    "jwt",
    "mlflow",
    "msal",
    "onnxruntime",
    "opentelemetry.sdk",
    "pandas",
    "pyarrow",
    "requests",
    "urllib3",
)


def test_importing_the_app_brings_in_nothing_that_only_calls_need() -> None:
    program = f"import sys, function_app\nprint(*(name for name in {LATER!r} if name in sys.modules))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, env={}, check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
