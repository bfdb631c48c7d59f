"""The README's commands, as a person runs them."""

import argparse
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import requests

from devhost.processes import free_port, is_listening

ROOT = Path(__file__).parents[2]


def test_demo_runs_the_main_job_and_leaves_nothing_running() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "samples.flights.demo"], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "POST /endpoints/flight-delay/score" in done.stdout
    assert re.search(r'\{"late": [01], "late_probability": 0\.\d+\}', done.stdout)
    assert "28,135 rows: 27,110 predicted, 1,025 rejected" in " ".join(done.stdout.split())
    assert re.search(r"85\.\d% were predicted right", " ".join(done.stdout.split()))
    log = (ROOT / "build" / "demo" / "host.log").read_text()
    port = re.search(r"listening on http://127\.0\.0\.1:(\d+)", log)
    assert port is not None
    assert not is_listening(int(port[1]))


def test_serve_prints_a_line_that_can_be_pasted_and_stops_at_ctrl_c() -> None:
    ports = ["--port", str(free_port()), "--issuer-port", str(free_port())]
    command = [sys.executable, "-u", "-m", "samples.flights.serve", *ports]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        try:
            line = next(line for line in serving.stdout if line.startswith("curl "))
            assert _pasted(line).startswith('[{"late":1,"late_probability":0.589')
            readme = (ROOT / "README.md").read_text()
            body, printed = re.findall(r"--data '(.*?)'\n# (.*?)…", readme, re.DOTALL)[0]
            assert _post(line, body.encode()).startswith(printed)
        finally:
            serving.send_signal(signal.SIGINT)
            serving.stdout.read()
            assert serving.wait(60) == 0


def _pasted(line: str) -> str:
    """What curl would print; it need not be installed."""
    return _post(line, (ROOT / shlex.split(line)[-1].removeprefix("@")).read_bytes())


def _post(line: str, body: bytes) -> str:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-H", action="append")
    parser.add_argument("--data")
    curl = parser.parse_args(shlex.split(line)[1:])
    headers = dict(header.split(": ", 1) for header in curl.H) | {"azureml-model-deployment": "blue"}
    return requests.post(curl.url, data=body, headers=headers, timeout=30).text
