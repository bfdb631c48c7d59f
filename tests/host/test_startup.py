"""What stops the host at start is one clear line, and how it ends is orderly."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devhost.azurite import Azurite, Ports, command, connection_string
from devhost.errors import HostError
from devhost.processes import free_port, is_listening
from devhost.stack import Stack
from tests.host.foreign import Reply, call, eventually

_REPOSITORY = Path(__file__).parents[2]
_IMPORTS = "import azure.functions as func\napp = func.FunctionApp()\n"
_HTTP = _IMPORTS + '@app.route("{route}")\nasync def f(req: func.HttpRequest) -> str:\n    return ""\n'
_TIMER = _IMPORTS + '@app.timer_trigger("t", "{schedule}")\ndef f(t: func.TimerRequest) -> None: ...\n'
_BLOB = _IMPORTS + '@app.blob_trigger("b", "in/{name}", "MyStore")\ndef f(b: func.InputStream) -> None: ...\n'
_COSMOS = _IMPORTS + '@app.cosmos_db_trigger("d", "db", "c", "CONN")\ndef f(d: func.DocumentList) -> None: ...\n'
_HOST_JSON = '{"version": "2.0"}'


def _run_host(
    app: Path, source: str, host_json: str | None, environ: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    (app / "function_app.py").write_text(source)
    if host_json is not None:
        (app / "host.json").write_text(host_json)
    return subprocess.run(
        [sys.executable, "-m", "devhost", "--app", str(app), *(arguments or ("--port", str(free_port())))],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_REPOSITORY), **environ},
        cwd=app,
        capture_output=True,
        text=True,
        timeout=60,
    )


def _only_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("devhost: ")
    return line.removeprefix("devhost: ")


@pytest.mark.parametrize(
    ("source", "host_json", "environ", "expected"),
    [
        pytest.param(_HTTP, "{", {}, "host.json cannot be read: Expecting", id="broken host.json"),
        pytest.param(
            "import nothing_of_this_name\n",
            _HOST_JSON,
            {},
            "the app cannot be indexed: function_app.py:1: ModuleNotFoundError: "
            "No module named 'nothing_of_this_name'.",
            id="missing module",
        ),
        pytest.param(
            "import sys\nsys.exit(4)\n",
            _HOST_JSON,
            {},
            "the app cannot be indexed: function_app.py:2: SystemExit: 4",
            id="exits at import",
        ),
        pytest.param(
            _TIMER.replace("{schedule}", "%WHEN%"),
            _HOST_JSON,
            {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
            "function 'f': the setting 'WHEN' is missing",
            id="missing setting",
        ),
        pytest.param(
            _BLOB,
            _HOST_JSON,
            {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
            "function 'f': the connection setting 'MyStore' is missing",
            id="no trigger connection",
        ),
    ],
)
def test_what_stops_the_host_is_one_line(
    tmp_path: Path, source: str, host_json: str | None, environ: dict[str, str], expected: str
) -> None:
    assert _only_line(_run_host(tmp_path, source, host_json, environ)).startswith(expected)


def test_broken_local_settings_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"Values": {"A": 1}}')
    line = _only_line(_run_host(tmp_path, _HTTP, _HOST_JSON, {}))
    assert line == "local.settings.json: `Values` must map names to strings"


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = _only_line(_run_host(tmp_path, _HTTP, _HOST_JSON, {}, "--port", str(port)))
    assert line == f"cannot listen on 127.0.0.1:{port}: Address already in use"


def test_storage_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    port = free_port()
    environ = {"AzureWebJobsStorage": connection_string(Ports(port, port, port))}
    began = time.monotonic()
    line = _only_line(_run_host(tmp_path, _TIMER.replace("{schedule}", "0 0 0 * * *"), _HOST_JSON, environ))
    assert line.startswith(f"the blob storage of 'AzureWebJobsStorage' does not answer at http://127.0.0.1:{port}/")
    assert time.monotonic() - began < 15


def test_settings_come_from_the_file_and_the_environment_wins(tmp_path: Path) -> None:
    values = {"WHEN": "from the file", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    source = _TIMER.replace("{schedule}", "%WHEN%")
    environ = {"WHEN": "from the environment"}
    line = _only_line(_run_host(tmp_path, source, _HOST_JSON, environ))
    assert line == "function 'f': the schedule 'from the environment' needs six fields"


def test_sigterm_lets_a_request_finish_and_ends_with_0(new_stack: Callable[[], Stack]) -> None:
    stack = new_stack()
    stack.start_host()
    replies: list[Reply] = []
    request = threading.Thread(target=lambda: replies.append(call(stack, "/api/slow/1.5")))
    request.start()
    eventually(lambda: "slow request has begun" in stack.host_log.read_text(), "the request's begin")
    began = time.monotonic()
    assert stack.stop_host() == 0
    assert time.monotonic() - began < 10
    request.join(5)
    assert [(reply.status, reply.body) for reply in replies] == [(200, b"done")]
    assert not is_listening(stack.port)


def test_sigterm_ends_the_host_within_10_s_though_a_function_does_not(
    new_stack: Callable[[], Stack],
) -> None:
    stack = new_stack()
    stack.start_host()

    def ask() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            call(stack, "/api/stuck")

    request = threading.Thread(target=ask)
    request.start()
    eventually(lambda: "stuck request has begun" in stack.host_log.read_text(), "the request's begin")
    began = time.monotonic()
    assert stack.stop_host() == 0
    assert time.monotonic() - began < 10
    request.join(5)


def test_the_host_lists_its_functions(stack: Stack) -> None:
    log = stack.host_log.read_text()
    assert f"  fixed: [GET] {stack.url}/api/echo/fixed\n" in log
    assert "  on_stream: blobTrigger streams/{name}.txt\n" in log
    assert f"devhost: listening on {stack.url} (" in log


def test_a_stack_says_why_a_part_does_not_come_up(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "host.json").write_text(_HOST_JSON)
    with pytest.raises(HostError, match="the host ended with status 1: devhost: the app cannot be indexed"):
        Stack(tmp_path, tmp_path / "work").start_host()


def test_azurite_says_that_its_port_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        azurite = Azurite(tmp_path, tmp_path / "log", Ports(port, free_port(), free_port()))
        with pytest.raises(HostError, match=f"cannot listen on 127.0.0.1:{port}"):
            azurite.start()


def test_azurite_that_is_not_installed_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devhost.azurite._INSTALLED", "nowhere/azurite.js")
    with pytest.raises(HostError, match="Azurite is not installed: run `make setup`"):
        command(Path(), Ports(1, 2, 3))


def test_nothing_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    app = Path(__file__).parent / "foreign_app"
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom devhost.stack import Stack\n"
        "from tests.host.foreign import SETTINGS\n"
        f"stack = Stack(Path({str(app)!r}), Path({str(tmp_path)!r}), SETTINGS).start()\n"
        "print(stack.port, stack.issuer_port, *stack.azurite.ports, flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(_REPOSITORY)},
    ) as parent:
        assert parent.stdout is not None
        ports = [int(port) for port in parent.stdout.readline().split()]
        assert len(ports) == 5
        assert all(map(is_listening, ports))
        parent.kill()
    eventually(lambda: not any(map(is_listening, ports)), "all five ports are free")
