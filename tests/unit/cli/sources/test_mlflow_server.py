"""A model from a real MLflow tracking server, which hands the files out itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from cli.sources.resolve import resolve
from devhost.processes import free_port
from tests.unit.cli.sources import stores


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    options = ["--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", f"{tmp_path}/files"]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1", *options]
    environ = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (tmp_path / "log.txt").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path, env=environ)
    try:
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=Retry(200, backoff_factor=0.2, backoff_max=0.5)))
            session.get(f"http://127.0.0.1:{port}/health", timeout=60).raise_for_status()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_a_model_comes_from_a_tracking_server_over_http(
    server: str, into: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = stores.fill(server, None)
    capfd.readouterr()
    source = resolve("models:/iris@champion", into, base=into.parent, tracking_uri=server)
    assert (source.name, source.version) == ("iris", "1")
    assert (source.origin.run_id, source.origin.tags) == (store.run_id, {"approved_by": "Ada"})
    assert {"MLmodel", "requirements.txt"} <= {path.name for path in source.folder.iterdir()}
    assert tuple(capfd.readouterr()) == ("", "")
