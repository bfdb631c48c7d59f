"""`make conformance`: other people's clients against a running host, in an environment of their own.

Here, in the project's environment, everything is started and published: storage, token issuer, host, and MLflow's own
server beside it. The tests then run in build/envs/clients, and are told the addresses and a token. Scoring scripts are
compared here, too, in workers beside Azure ML's own server.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.peers import servers
from bench.peers.process import running
from cli.publishing.direct import publish_revision, upload_model
from devhost.errors import HostError
from devhost.stack import Stack
from samples.flights import local
from samples.flights.steps import Steps
from samples.flights.train import DEFAULT_OUT, ensure_trained
from shared.auth.access import Role
from shared.endpoints.spec import Draft
from shared.errors import SlipwayError
from tests.conformance.handover import VARIABLE, Handover, Sample

_WORK_DIR: Final = Path("build/conformance")
_MODELS: Final = _WORK_DIR / "models"
_CLIENTS: Final = Path("build/envs/clients/bin/python")
# Needs the app itself, and not its clients.
_SCRIPTS: Final = "score_py"
# Models that MLflow's own server can serve, too.
_ORACLES: Final = ("iris-columns", "iris-tensor", "iris-plain", "iris-params")


def main() -> int:
    console = Console(highlight=False)
    steps = Steps(console)
    started = time.monotonic()
    ensure_trained(DEFAULT_OUT, console)
    stack = local.make_stack(_WORK_DIR)
    try:
        with steps.step("make the models"):
            samples = _save_models()
        oracles = {name: servers.mlflow(_MODELS / name) for name in _ORACLES}
        with stack, running(oracles, _WORK_DIR / "mlflow"):
            with steps.step("publish them"):
                missing = _publish(stack, samples)
            urls = {name: server.url for name, server in oracles.items()}
            status = _run_tests(stack, samples, urls, missing)
        status = _compare_scripts() or status
    except (SlipwayError, HostError, OSError, RuntimeError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 1
    for name, reason in missing.items():
        console.print(f"not published: {name}: {reason}", soft_wrap=True)
    console.print(f"conformance: {'passed' if status == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s")
    return status


def _save_models() -> dict[str, Sample]:
    # Set before the imports: neither library is to tell anybody of this.
    os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "ORT_DISABLE_TELEMETRY": "1"})
    from tests.conformance import models

    return models.save_all(_MODELS)


def _publish(stack: Stack, samples: dict[str, Sample]) -> dict[str, str]:
    """The flights and every sample's model, each behind an endpoint of its name; returns what was refused, and why."""
    local.publish(stack)
    account = local.storage(stack)
    token = local.token(stack, [Role.MANAGE])
    missing: dict[str, str] = {}
    for name in samples:
        try:
            ref = upload_model(_MODELS / name, name, "1", account, progress=lambda size_bytes: None)
            deployments = {"blue": {"model": ref._asdict()}, "green": {"model": ref._asdict()}}
            draft = Draft.model_validate({"name": name, "deployments": deployments, "traffic": {"blue": 100}})
            publish_revision(stack.url, token, draft)
        except SlipwayError as error:
            missing[name] = error.message
    return missing


def _run_tests(stack: Stack, samples: dict[str, Sample], oracles: dict[str, str], missing: dict[str, str]) -> int:
    path = _WORK_DIR / "handover.json"
    token = local.token(stack, [Role.SCORE, Role.READ])
    strangers_token = local.token(stack, [])
    Handover(stack.url, token, strangers_token, samples, oracles, missing).write(path)
    folder = Path(__file__).parent
    root = folder.parents[1]
    elsewhere = f"--ignore={folder / _SCRIPTS}"
    command = [str(_CLIENTS), "-m", "pytest", "-c", str(folder / "pytest.ini"), str(folder), elsewhere, *sys.argv[1:]]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    environ = {**os.environ, **quiet, VARIABLE: str(path.resolve()), "PYTHONPATH": str(root)}
    return subprocess.run(command, env=environ, check=False).returncode


def _compare_scripts() -> int:
    folder = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-c", str(folder / "pytest.ini"), str(folder / _SCRIPTS), *sys.argv[1:]]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
