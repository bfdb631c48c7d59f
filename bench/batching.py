"""Throughput of a model that costs a batch what it costs a row, with dynamic batching and without."""

from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench import endpoints
from bench.contest import Entrant, hold, ratio
from bench.models import OUT, rows
from devhost.stack import Stack

_CONNECTIONS: Final = 64
_ROUNDS: Final = 5
_WAIT: Final = {"request_timeout_ms": 60_000, "max_queue": 256, "max_queue_wait_ms": 60_000}
_DEPLOYMENTS: Final[dict[str, dict[str, Any]]] = {
    "batched": {"request_settings": _WAIT},
    "single": {"request_settings": {**_WAIT, "max_batch_rows": 1}},
}


def run(console: Console, stack: Stack, work_dir: Path) -> None:
    endpoints.publish(stack, endpoints.FOREST, OUT / "forest", _DEPLOYMENTS)
    data = rows(1)
    batched, single = (
        endpoints.slipway(
            stack, endpoints.FOREST, data, _is_right, name=f"slipway, 500 trees, {words}", deployment=deployment
        )
        for deployment, words in (("batched", "dynamic batching"), ("single", "one request at a time"))
    )
    entrants = [Entrant(batched, 1920), Entrant(single, 128)]
    results = hold(console, "Dynamic batching, 1 row a request", entrants, _CONNECTIONS, _ROUNDS)
    one, other = ([figures[at].requests_s for figures in results] for at in (0, 1))
    ratio(console, "requests/s, batched / one at a time", one, other)


def _is_right(body: bytes) -> bool:
    """The first tumour is malignant."""
    return body in (b"[0]", b'[{"benign":0}]')
