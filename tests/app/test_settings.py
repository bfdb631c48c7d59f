"""What the log and strangers are told when a setting is missing."""

from pathlib import Path

import requests

from devhost.stack import Stack
from tests.app.client import AUDIENCE, until

ROOT = Path(__file__).parents[2]


def test_a_missing_setting_is_one_clear_line_in_the_log_and_none_to_strangers(tmp_path: Path) -> None:
    stack = Stack(ROOT, tmp_path)
    stack.settings.update({"SLIPWAY_DATA": stack.connection_string, "SLIPWAY_AUDIENCES": AUDIENCE})
    with stack:
        ready = requests.get(f"{stack.url}/health/ready", timeout=10)
        assert (ready.status_code, ready.json()) == (503, {"ready": False})
        scoring = requests.post(f"{stack.url}/endpoints/flowers/score", timeout=10)
        assert scoring.status_code == 503
        assert "SLIPWAY" not in scoring.text
        until(
            "a line",
            lambda: "not ready: the setting SLIPWAY_TENANT_ID is missing" in stack.host_log.read_text() or None,
        )
        assert "Traceback" not in stack.host_log.read_text()
