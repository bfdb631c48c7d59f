"""What a worker is started with: which interpreter, which variables, which folders of packages.

Foreign code sees no variable of the app but the few named here: identities, settings and connection strings stay out.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

_PASSED_ON: Final = frozenset({"PATH", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH"})
_LOCALE: Final = "LC_"
# How the folders that pip and Debian install into are called. On Azure Functions the app's packages lie in such a
# folder beside the app, which is on this process's own path only.
_PACKAGE_FOLDERS: Final = frozenset({"site-packages", "dist-packages"})


class WorkerSpec(NamedTuple):
    """What a deployment says about its workers. `python`: the interpreter of its own virtual environment; `label`: what
    the log calls them, the package's folder if nothing is said."""

    python: Path | None = None
    environment_variables: Mapping[str, str] = MappingProxyType({})
    workers: int = 1
    start_timeout_s: float = 120.0
    label: str = ""


def interpreter(spec: WorkerSpec) -> str:
    return str(spec.python or sys.executable)


def variables(spec: WorkerSpec, home: Path, own: Mapping[str, str]) -> dict[str, str]:
    """`home`: a folder for this model alone. The deployment's variables win over the app's, `own` over both."""
    passed_on = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_LOCALE)}
    if spec.python is not None:
        passed_on["PATH"] = f"{spec.python.parent}{os.pathsep}{passed_on.get('PATH', os.defpath)}"
    # MLflow would otherwise report to its makers.
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    return {**passed_on, "HOME": str(home), **quiet, **spec.environment_variables, **own}


def package_folders(spec: WorkerSpec) -> list[str]:
    """Where the app's packages lie, for a worker that has no virtual environment of its own. Never the app itself."""
    if spec.python is not None:
        return []
    return [path for path in sys.path if Path(path).name in _PACKAGE_FOLDERS]
