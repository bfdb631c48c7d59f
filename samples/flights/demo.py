"""`make demo`: the main job from training to predictions, on real flights, as a person watches it."""

import io
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import requests
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from devhost.stack import Stack
from samples.flights.local import BY_CARRIER, ENDPOINT, FAILURES, running, storage, token
from samples.flights.steps import Steps
from shared.auth.access import Role
from shared.batch.job import dropped_id
from shared.errors import SlipwayError
from shared.ports import Container

_WORK_DIR: Final = Path("build/demo")
_REQUEST: Final = Path("samples/flights/request.json")
_CARRIERS_REQUEST: Final = Path("samples/flights/carriers.json")
_MONTH: Final = 12
_BLOB: Final = f"{ENDPOINT}/2013-12.csv"
_DEADLINE_S: Final = 240


def main() -> int:
    console = Console(highlight=False)
    try:
        with running(console, _WORK_DIR) as stack:
            _score(console, stack, ENDPOINT, _REQUEST)
            _score(console, stack, BY_CARRIER, _CARRIERS_REQUEST)
            truth = _drop_month(console, stack)
            job = _follow(console, stack, truth.job_id)
            _show(console, stack, job, truth.late)
    except FAILURES as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped", file=sys.stderr)
        return 130
    return 0


def _score(console: Console, stack: Stack, endpoint: str, request: Path) -> None:
    """One real flight, and what it would be of other carriers, asked as any HTTP client would."""
    body = request.read_text()
    reply = requests.post(
        f"{stack.url}/endpoints/{endpoint}/score",
        data=body,
        headers={"Authorization": f"Bearer {token(stack, [Role.SCORE])}", "Content-Type": "application/json"},
        timeout=30,
    )
    if not reply.ok:
        raise SlipwayError(f"scoring answered {reply.status_code}: {reply.text}")
    console.print(f"\n[bold]POST /endpoints/{endpoint}/score[/bold]")
    console.print_json(body, indent=None)
    console.print(f"[bold]{reply.status_code}[/bold]")
    for name in ("azureml-model-deployment", "x-slipway-model", "x-request-id"):
        console.print(f"{name}: {reply.headers[name]}")
    console.print_json(reply.text, indent=None)


class _Truth:
    """What really happened: `late [rows]` by row of the file, 1, 0, or -1 where nobody knows; and the job's id."""

    def __init__(self, job_id: str, late: np.ndarray[Any, Any]) -> None:
        self.job_id = job_id
        self.late = late


def _drop_month(console: Console, stack: Stack) -> _Truth:
    from samples.flights import data  # pandas

    console.print()
    with Steps(console).step(f"drop the flights of December into inbox/{_BLOB}"):
        flights = data.month(data.load(), _MONTH)
        path = _WORK_DIR / "2013-12.csv"
        data.write_csv(path, flights)
        late = flights[data.LABEL].astype("Int8").fillna(-1).to_numpy(np.int8)
        container = storage(stack).get_container_client(Container.INBOX.value)
        if not container.exists():
            container.create_container()
        etag = container.upload_blob(_BLOB, path.read_bytes(), overwrite=True).get_blob_properties().etag
    return _Truth(dropped_id(f"{Container.INBOX}/{_BLOB}", etag), late)


def _follow(console: Console, stack: Stack, job_id: str) -> dict[str, Any]:
    """Asks the app how far the job is, until it is done."""
    headers = {"Authorization": f"Bearer {token(stack, [Role.READ])}"}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    deadline = time.monotonic() + _DEADLINE_S
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("rows scored", total=None)
        while time.monotonic() < deadline:
            reply = requests.get(f"{stack.url}/endpoints/{ENDPOINT}/jobs/{job_id}", headers=headers, timeout=30)
            if reply.ok:
                job: dict[str, Any] = reply.json()
                done = job["progress"]
                progress.update(bar, total=done["rows"] or None, completed=done["rows_done"])
                if job["status"] == "Failed":
                    raise SlipwayError(f"the job failed: {job['error']['message']}")
                if job["status"] == "Completed":
                    return job
            time.sleep(0.25)
    raise SlipwayError(f"the job did not end within {_DEADLINE_S} s: see {stack.host_log}")


def _show(console: Console, stack: Stack, job: dict[str, Any], late: np.ndarray[Any, Any]) -> None:
    predictions = read_predictions(stack, job["output"])
    counts = job["counts"]
    console.print(f"\npredictions are in [bold]{job['output']}[/bold]")
    shown = predictions.select(["row", "late", "late_probability", "deployment", "model_version"])
    table = Table(*shown.column_names)
    for row in shown.slice(0, 5).to_pylist():
        table.add_row(*(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()))
    console.print(table)
    known = late[predictions["row"].to_numpy()]
    right = (predictions["late"].to_numpy() == known)[known >= 0]
    console.print(
        f"{counts['rows']:,} rows: {counts['predicted']:,} predicted, {counts['rejected']:,} rejected "
        f"(they never left; the reasons are in rejected.jsonl)"
    )
    console.print(
        f"of the {len(right):,} flights whose arrival is known, [bold]{right.mean():.1%}[/bold] were predicted right; "
        f"saying that no flight is ever late would have been right for {(known[known >= 0] == 0).mean():.1%}\n"
    )


def read_predictions(stack: Stack, output: str) -> pa.Table:
    """All parts of an output, in the order of the input's rows, found as a reader should: from its manifest."""
    account = storage(stack)
    container, _, prefix = output.partition("/")

    def read(name: str) -> bytes:
        return bytes(account.get_blob_client(container, prefix + name).download_blob().readall())

    read("_SUCCESS")
    parts = json.loads(read("manifest.json"))["parts"]
    return pa.concat_tables([pq.read_table(io.BytesIO(read(part["name"]))) for part in parts]).unify_dictionaries()


if __name__ == "__main__":
    sys.exit(main())
