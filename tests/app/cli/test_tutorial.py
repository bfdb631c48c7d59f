"""docs/tutorial.md, run as it is written."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.flights.local import write_profile
from tests.app.client import Client

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "tutorial.md").read_text()
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
NAMED = re.compile(r"Write `([^`]+)`")


@pytest.fixture
def environ(client: Client, tmp_path: Path) -> Iterator[dict[str, str]]:
    """As after the line that `make serve` prints, with the project's programs on the path.

    Other tests publish an endpoint of this name, too, and traffic stays: it ends as theirs begins.
    """
    profiles = tmp_path / "slipway.yaml"
    write_profile(client.stack, profiles)
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    path = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ["PATH"]])
    yield {**kept, "PATH": path, "SLIPWAY_PROFILES": str(profiles), "PYTHONWARNINGS": "ignore"}
    split = {"traffic": {"blue": 100}}
    assert client.ask("PUT", "/endpoints/flowers/traffic", "Endpoint.Manage", json=split).status_code == 200


def test_the_tutorial_works_as_it_is_written(environ: dict[str, str], tmp_path: Path) -> None:
    told: list[str] = []
    for found in BLOCK.finditer(TEXT):
        kind, text = found.groups()
        if kind != "sh":
            (tmp_path / NAMED.findall(TEXT[: found.start()])[-1]).write_text(text)
            continue
        done = subprocess.run(
            ["bash", "-e", "-c", text], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        told.append(done.stdout)
    everything = "\n".join(told)
    assert "blue was converted to ONNX; on 5 rows it differs in " in everything
    assert "published flowers, revision" in everything
    assert re.search(r'"label":0.*"label":2', everything)
    assert "150 rows: 150 predicted, 0 rejected" in everything
    assert "flowers: blue=90 green=10" in everything
