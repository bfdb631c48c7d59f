"""`make memory`: what a job's memory has to do with the size of its input. Nothing, is the claim.

The year of flights is repeated to files of 100 MB, 1 GB and 5 GB; each is scored by an ONNX model in the app's process,
and the first two by a pyfunc model in a worker. What is told is the most that the host, and its worker, held meanwhile.
The smallest is scored some times before: onnxruntime and the allocators keep what they once held, and have held the
most only when mini-batches have met at their worst moments.
"""

import argparse
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil
import requests
from rich.console import Console
from rich.table import Table

from cli.publishing.direct import publish_revision, upload_model
from devhost.stack import Stack
from samples.flights.local import AUDIENCE, make_stack, storage, token
from samples.flights.train import DEFAULT_OUT, ensure_trained
from shared.auth.access import Role
from shared.endpoints.spec import Draft
from shared.ports import Container

_WORK_DIR: Final = Path("build/bench/memory")
_MB: Final = 1_000_000
_SIZES_MB: Final = (100, 1_000, 5_000)
_WORKER_SIZES_MB: Final = (100, 1_000)
_WARM_UPS: Final = 10
_MINI_BATCH_SIZE: Final = 50_000
_CONCURRENCY: Final = 2


class Peak(NamedTuple):
    """Bytes: of the host alone, and of it with its workers."""

    host: int
    workers: int


class _Watch:
    """Looks five times a second at what the host and its children hold."""

    def __init__(self, pid: int) -> None:
        self.peak = Peak(0, 0)
        self._host = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.2):
            host = self._host.memory_info().rss
            workers = sum(child.memory_info().rss for child in self._host.children(recursive=True))
            self.peak = Peak(max(self.peak.host, host), max(self.peak.workers, workers))


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.memory", description=__doc__)
    parser.add_argument("--most-mb", type=int, default=_SIZES_MB[-1], help="leave larger inputs out")
    most = parser.parse_args().most_mb
    console = Console(highlight=False, width=110)
    ensure_trained(DEFAULT_OUT, console)
    table = Table(title=f"Memory of a job, {_CONCURRENCY} mini-batches of {_MINI_BATCH_SIZE:,} rows at once")
    for column in ("model", "input", "rows", "rows/s", "host, peak", "worker, peak"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory(prefix="slipway-memory-") as folder:
        pyfunc = _save_pyfunc(Path(folder))
        models = {"onnx": (DEFAULT_OUT / "models" / "blue", _SIZES_MB), "pyfunc": (pyfunc, _WORKER_SIZES_MB)}
        for name, (model, sizes) in models.items():
            with make_stack(_WORK_DIR) as stack:
                _publish(stack, model)
                with console.status(f"{name}: warming up"):
                    peaks = [_measure(stack, sizes[0])[1].host for _ in range(_WARM_UPS)]
                console.print(f"{name}, {sizes[0]} MB in a new host, again and again: {', '.join(map(_mb, peaks))}")
                for size_mb in (size for size in sizes if size <= most):
                    with console.status(f"{name}: {size_mb:,} MB"):
                        table.add_row(name, *_row(*_measure(stack, size_mb), size_mb))
    console.print(table)
    return 0


def _row(job: dict[str, Any], peak: Peak, size_mb: int) -> list[str]:
    rows, pace = job["counts"]["rows"], job["progress"]["rows_per_s"]
    return [f"{size_mb:,} MB", f"{rows:,}", f"{pace:,.0f}", *map(_mb, peak)]


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / _MB:,.0f} MB" if size_bytes else ""


_HOURS: Final = """
import mlflow

class Hours(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["dep_delay"] / 60

mlflow.models.set_model(Hours())
"""


def _save_pyfunc(folder: Path) -> Path:
    """A model of plain Python on the flights' columns: how late a flight left, in hours."""
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    from samples.flights import data

    (folder / "hours.py").write_text(_HOURS)
    columns: list[Any] = [
        ColSpec("string" if name in data.STRINGS else "double", name, required=name not in data.OPTIONAL)
        for name in data.INPUTS
    ]
    signature = ModelSignature(Schema(columns), Schema([ColSpec("double", "hours")]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            folder / "model", python_model=folder / "hours.py", signature=signature, pip_requirements=["mlflow"]
        )
    return folder / "model"


def _publish(stack: Stack, model: Path) -> None:
    ref = upload_model(model, "memory", "1", storage(stack), progress=lambda size_bytes: None)
    batch = {"drop": "folder", "mini_batch_size": _MINI_BATCH_SIZE, "max_concurrency": _CONCURRENCY}
    document = {"name": "memory", "deployments": {"blue": {"model": ref._asdict()}}, "traffic": {"blue": 100}}
    draft = Draft.model_validate({**document, "batch": batch})
    publish_revision(stack.url, stack.token([Role.MANAGE], AUDIENCE), draft)


def _measure(stack: Stack, size_mb: int) -> tuple[dict[str, Any], Peak]:
    name = f"memory/{size_mb}.csv"
    inbox = storage(stack).get_container_client(Container.INBOX.value)
    if not inbox.exists():
        inbox.create_container()
    inbox.upload_blob(name, _Pieces(size_mb * _MB), overwrite=True)  # type: ignore[arg-type]
    pid = stack.host_pid
    assert pid is not None  # noqa: S101 - the stack runs
    with _Watch(pid) as watch:
        job = _run(stack, f"{Container.INBOX}/{name}")
    inbox.delete_blob(name)
    return job, watch.peak


class _Pieces:
    """The year again and again, up to this many bytes, as a file that is read."""

    def __init__(self, size_bytes: int) -> None:
        self._pieces = self._made(size_bytes)
        self._held = b""

    @staticmethod
    def _made(size_bytes: int) -> Iterator[bytes]:
        from samples.flights import data

        header, _, year = data.load().to_csv(index=False).encode().partition(b"\n")
        yield header + b"\n"
        for _ in range(max(1, size_bytes // len(year))):
            yield year

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._held) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held += piece
        taken, self._held = (self._held[:size], self._held[size:]) if size >= 0 else (self._held, b"")
        return taken


def _run(stack: Stack, uri: str) -> dict[str, Any]:
    address = f"{stack.url}/endpoints/memory/jobs"
    body = {"properties": {"InputData": {"flights": {"JobInputType": "UriFile", "Uri": uri}}}}
    reply = requests.post(address, json=body, headers=_headers(stack, Role.BATCH), timeout=60)
    reply.raise_for_status()
    while True:
        time.sleep(1)
        job: dict[str, Any] = requests.get(
            f"{address}/{reply.json()['id']}", headers=_headers(stack, Role.READ), timeout=60
        ).json()
        if job["status"] == "Completed":
            return job
        if job["status"] in ("Failed", "Canceled"):
            raise RuntimeError(job["error"]["message"])


def _headers(stack: Stack, role: Role) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(stack, [role])}"}


if __name__ == "__main__":
    sys.exit(main())
