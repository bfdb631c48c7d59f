"""azureml-inference-server-http and Slipway's workers on the same scripts, compared row by row.

Differences that no row can show: a call that takes too long is ended with its process there and then, and answered
with 408; a script that ends its process, or raises while it is imported, is told as the model's failure and takes
nothing else down; files of a request are read by a reader of our own where Azure ML's package is not installed.
"""

import http.client
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from bench.peers.process import Server, running
from devhost.processes import free_port
from shared.models.flavor import Abort, RawCall
from shared.models.flavors.script import SandboxedScript, load_script
from shared.models.flavors.worker_environment import WorkerSpec
from tests.conformance.score_py.rows import DIFFERENCES, ROWS, Difference, Row, Told
from tests.conformance.score_py.scripts import SCRIPTS

_PYTHON: Final = Path("build/envs/azmlserver/bin/python").absolute()
_LOOPBACK: Final = "127.0.0.1"
_COMPARED: Final = frozenset({"content-type", "x-ms-run-function-failed", "x-ms-run-fn-exec-ms"})
_TIME: Final = "x-ms-run-fn-exec-ms"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name, text in SCRIPTS.items():
        made[name] = tmp_path_factory.mktemp(name)
        (made[name] / "score.py").write_text(text)
    return made


@pytest.fixture(scope="module")
def there(folders: dict[str, Path]) -> Iterator[dict[str, str]]:
    """The address of Azure ML's server for each script."""
    servers = {name: _server(folder) for name, folder in folders.items()}
    with tempfile.TemporaryDirectory() as logs, running(servers, Path(logs)):
        yield {name: server.url for name, server in servers.items()}


@pytest.fixture(scope="module", params=[None, _PYTHON], ids=["stand-ins", "real packages"])
def here(folders: dict[str, Path], request: pytest.FixtureRequest) -> Iterator[dict[str, SandboxedScript]]:
    """A worker for each script: without Azure ML's packages, and in an environment that has them."""
    spec = WorkerSpec(python=request.param)
    loaded = {name: load_script(folder, ".", "score.py", ".", spec) for name, folder in folders.items()}
    try:
        yield loaded
    finally:
        for script in loaded.values():
            script.close()


def _server(folder: Path) -> Server:
    port = free_port()
    # What its command `azmlinfsrv` does, which would listen on every address of the machine.
    start = f"from azureml_inference_server_http.amlserver_linux import run; run('{_LOOPBACK}', {port}, 1)"
    environ = {
        "AZUREML_MODEL_DIR": str(folder),
        "AZUREML_ENTRY_SCRIPT": str(folder / "score.py"),
        "AML_APP_ROOT": str(folder),
        "AML_APP_INSIGHTS_ENABLED": "false",
    }
    return Server((str(_PYTHON), "-c", start), f"http://{_LOOPBACK}:{port}", "/", environ)


def told_there(url: str, row: Row) -> Told:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request(row.method, f"/score?{row.query}" if row.query else "/score", row.body, dict(row.headers))
        reply = connection.getresponse()
        return _told(reply.status, _joined(reply.getheaders()), reply.read())
    finally:
        connection.close()


def told_here(script: SandboxedScript, row: Row) -> Told:
    headers = {name.lower(): value for name, value in row.headers.items()}
    status, answered, body = script.run(RawCall(row.method, row.query, headers, row.body), Abort())
    return _told(status, answered, b"" if row.method == "HEAD" else body)


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _told(status: int, headers: Mapping[str, str], body: bytes) -> Told:
    """The time is compared by its form only."""
    kept = {name: value for name, value in headers.items() if name in _COMPARED or name.startswith("x-own")}
    if _TIME in kept:
        kept[_TIME] = str(len(kept[_TIME].partition(".")[2]))
    return Told(status, kept, body)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_both_answer_alike(row: Row, there: dict[str, str], here: dict[str, SandboxedScript]) -> None:
    assert told_here(here[row.script], row) == told_there(there[row.script], row)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.why)
def test_a_difference_is_as_it_is_listed(
    difference: Difference, there: dict[str, str], here: dict[str, SandboxedScript]
) -> None:
    row = difference.row
    found_there, found_here = told_there(there[row.script], row), told_here(here[row.script], row)
    assert (found_there.status, found_there.body) == difference.there
    assert (found_here.status, found_here.body) == difference.here
