"""How long a new host takes to its first answer, and what importing the app costs."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

import orjson
import requests
from rich.console import Console
from rich.table import Table

from bench import endpoints
from bench.models import OUT, rows
from devhost.stack import Stack
from samples.flights.local import token
from shared.auth.access import Role

_STARTS: Final = 5
_DEADLINE_S: Final = 60.0
_SHOWN: Final = 12
_IMPORT: Final = "import time; at = time.process_time(); import function_app; print(time.process_time() - at)"


def run(console: Console, stack: Stack, work_dir: Path) -> None:
    """Leaves the host running, as it was."""
    if not stack.host_running:
        stack.start_host()
    endpoints.publish(stack, endpoints.ROWS, OUT / "rows", {"blue": {}})
    with console.status("start-up"):
        seconds = sorted(_first_answer_s(stack) for _ in range(_STARTS))
        cpu = sorted(_import_cpu_s() for _ in range(_STARTS))
    console.print(
        f"from the host's process start to the first right answer, the model in Azurite: median of {_STARTS} "
        f"[bold]{statistics.median(seconds):.2f} s[/bold] ({seconds[0]:.2f} to {seconds[-1]:.2f})"
    )
    console.print(
        f"CPU of `import function_app`: median of {_STARTS} [bold]{statistics.median(cpu):.2f} s[/bold] "
        f"({cpu[0]:.2f} to {cpu[-1]:.2f})"
    )
    _print_imports(console)


def _first_answer_s(stack: Stack) -> float:
    """Asked again and again from the start of its process on. Raises TimeoutError."""
    stack.stop_host()
    url = f"{stack.url}/endpoints/{endpoints.ROWS}/score"
    headers = {"Authorization": f"Bearer {token(stack, [Role.SCORE])}", "Content-Type": "application/json"}
    body = orjson.dumps({"input_data": rows(1)})
    starting = threading.Thread(target=stack.start_host)
    started = time.perf_counter()
    starting.start()
    try:
        while time.perf_counter() - started < _DEADLINE_S:
            if _answers(url, headers, body):
                return time.perf_counter() - started
            time.sleep(0.01)
    finally:
        starting.join()
    raise TimeoutError(f"the host did not answer within {_DEADLINE_S:.0f} s")


def _answers(url: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        return requests.post(url, data=body, headers=headers, timeout=10).status_code == 200
    except requests.ConnectionError:
        return False


def _import_cpu_s() -> float:
    return float(_python("-c", _IMPORT).stdout)


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True, env={**os.environ})


def _print_imports(console: Console) -> None:
    """Own time of each package's modules, in the order of their cost."""
    own_us: defaultdict[str, int] = defaultdict(int)
    for line in _python("-X", "importtime", "-c", "import function_app").stderr.splitlines():
        own, _, name = line.removeprefix("import time:").split("|")
        if own.strip().isdigit():
            own_us[name.strip().partition(".")[0]] += int(own)
    table = Table(title="import function_app, by package (with the profiler's own cost)")
    table.add_column("package")
    table.add_column("ms", justify="right")
    dearest = sorted(own_us.items(), key=lambda item: -item[1])
    for name, us in dearest[:_SHOWN]:
        table.add_row(name, f"{us / 1e3:.0f}")
    table.add_row(f"the other {len(dearest) - _SHOWN}", f"{sum(us for _, us in dearest[_SHOWN:]) / 1e3:.0f}")
    console.print(table)
