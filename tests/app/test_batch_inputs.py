"""Jobs over files, in other accounts, behind a front door, and told of by a queue: each on the real host."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from cli.publishing.direct import publish_revision, upload_model
from devhost.stack import Stack
from shared.models.package import ModelRef
from tests.app.client import AUDIENCE, Client, until
from tests.app.jobs import BATCH, body, predictions, read, submit, upload
from tests.app.packages import CODE, save_image_model, save_script
from tests.support import endpoint, iris

type Publish = Callable[..., dict[str, Any]]
type Upload = Callable[..., ModelRef]
ROOT = Path(__file__).parents[2]

# A batch script as for Azure ML: it reads the files itself, and leaves a report of its own.
BATCH_SCRIPT = """
import os
from pathlib import Path
import pandas as pd

def init():
    global greeting, reports
    greeting = (Path(os.environ["AZUREML_MODEL_DIR"]) / "greeting.txt").read_text()
    reports = Path(os.environ["AZUREML_BI_OUTPUT_PATH"])

def run(mini_batch):
    rows = []
    for path in map(Path, mini_batch):
        text = path.read_text()
        if "poison" in text:
            raise ValueError("cannot read " + path.name)
        (reports / f"{path.stem}.report").write_text(text.upper())
        rows.append({"name": path.name, "length": len(text), "greeting": greeting})
    return pd.DataFrame(rows)
"""


@pytest.fixture(scope="module")
def reports(publish: Publish, upload: Upload, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("reports")
    save_script(folder, BATCH_SCRIPT)
    model = {"model": upload(folder, "reporter", code=CODE)._asdict()}
    publish("reports", deployments={"blue": model}, batch={"mini_batch_size": 3, "drop": "folder"})
    return "reports"


def test_a_batch_script_of_azure_ml_runs_unchanged_and_one_bad_file_costs_one_file(
    client: Client, account: BlobServiceClient, reports: str
) -> None:
    for number in range(5):
        upload(account, f"reports/in/{number}.txt", b"poison" if number == 1 else b"x" * (number + 1))
    # The last drop says that the folder is whole.
    etag = account.get_blob_client("inbox", "reports/in/_READY").upload_blob(b"")["etag"]
    from shared.batch.job import dropped_id

    job = client.finished(reports, dropped_id("inbox/reports/in/_READY", etag))
    assert (job["status"], job["counts"]) == (
        "Completed",
        {"rows": 5, "predicted": 4, "rejected": 1, "mini_batches": 2},
    )
    rows = predictions(account, job).to_pylist()
    assert [(row["file_name"].rpartition("/")[2], row["length"], row["greeting"]) for row in rows] == [
        ("0.txt", 1, "grüezi"),
        ("2.txt", 3, "grüezi"),
        ("3.txt", 4, "grüezi"),
        ("4.txt", 5, "grüezi"),
    ]
    (rejected,) = map(json.loads, read(account, f"{job['output']}rejected.jsonl").splitlines())
    assert rejected["file_name"] == "inbox/reports/in/1.txt"
    assert "cannot read 1.txt" in rejected["reason"]
    assert read(account, f"{job['output']}4.report") == b"XXXXX"


def test_a_summary_alone_is_what_the_script_writes(client: Client, account: BlobServiceClient, reports: str) -> None:
    uri = upload(account, "reports/summary/a.txt", b"abc").removesuffix("a.txt")
    asked = body(uri, "UriFolder", OutputAction="SummaryOnly")
    job = client.finished(reports, submit(client, reports, asked).json()["id"])
    names = account.get_container_client("predictions").list_blob_names(name_starts_with=f"reports/{job['id']}/")
    assert [name.rpartition("/")[2] for name in names] == ["_SUCCESS", "a.report", "manifest.json"]


def test_images_are_rows_of_a_model_that_takes_pixels(
    client: Client, account: BlobServiceClient, publish: Publish, upload: Upload, tmp_path: Path
) -> None:
    from PIL import Image

    save_image_model(tmp_path / "model")
    publish("images", deployments={"blue": {"model": upload(tmp_path / "model", "brightness")._asdict()}})
    for name, value in (("dark.png", 10), ("light.png", 200)):
        sink = io.BytesIO()
        Image.new("RGB", (8, 6), (value, value, value)).save(sink, "PNG")
        account.get_blob_client("inbox", f"images/set/{name}").upload_blob(sink.getvalue())
    account.get_blob_client("inbox", "images/set/broken.png").upload_blob(b"\x89PNG\r\n\x1a\nbroken")
    asked = body("inbox/images/set/", "UriFolder")
    job = client.finished("images", submit(client, "images", asked).json()["id"])
    assert job["status"] == "Completed", job["error"]
    rows = {row["file_name"].rpartition("/")[2]: row["mean"] for row in predictions(account, job).to_pylist()}
    assert rows == {"dark.png": 10.0, "light.png": 200.0}
    assert job["counts"]["rejected"] == 1


def test_addresses_carry_the_name_of_a_front_door_that_is_known_and_of_no_other(
    client: Client, account: BlobServiceClient, flowers: str
) -> None:
    asked = body(upload(account, "flowers/door/_a.csv", iris.csv(1)))
    for host, expected in (("door.example.org", "https://door.example.org/"), ("evil.example.org", client.stack.url)):
        reply = submit(client, flowers, asked, **{"X-Forwarded-Host": host})
        assert reply.headers["Location"].startswith(expected)


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory, iris_folder: Path) -> Iterator[Stack]:
    """The app in a network of its own: drops come by a queue. It knows a second account."""
    stack = Stack(ROOT, tmp_path_factory.mktemp("private"), extra_accounts=("partner",))
    stack.settings.update(
        {
            "SLIPWAY_DATA": stack.connection_string,
            "SLIPWAY_ACCOUNTS": stack.azurite.connection_string_of("partner"),
            "SLIPWAY_TENANT_ID": stack.tenant,
            "SLIPWAY_AUDIENCES": AUDIENCE,
            "SLIPWAY_LOCAL_ISSUER": stack.issuer_url,
            "SLIPWAY_BLOB_TRIGGER_SOURCE": "StorageQueue",
        }
    )
    with stack, BlobServiceClient.from_connection_string(stack.connection_string) as account:
        ref = upload_model(iris_folder, "iris", "1", account, progress=lambda size_bytes: None)
        partner = BlobServiceClient.from_connection_string(stack.azurite.connection_string_of("partner"))
        with partner:
            partner.create_container("flowers")
            allowed = [f"{partner.url.rstrip('/')}/flowers/"]
            draft = endpoint.draft(
                ref, name="garden", batch={"allowed_inputs": allowed, "allowed_outputs": allowed, "mini_batch_size": 7}
            )
            publish_revision(stack.url, Client(stack).token("Endpoint.Manage"), draft)
            yield stack


@pytest.mark.parametrize("schema", ["EventGrid", "CloudEvents"])
def test_a_drop_is_told_by_a_message_where_nothing_may_call_the_app(private: Stack, schema: str) -> None:
    name = f"garden/{schema}.csv"
    subject = f"/blobServices/default/containers/inbox/blobs/{name}"
    kind = "eventType" if schema == "EventGrid" else "type"
    event = {kind: "Microsoft.Storage.BlobCreated", "subject": subject, "data": {"api": "PutBlob"}}
    with (
        BlobServiceClient.from_connection_string(private.connection_string) as account,
        QueueServiceClient.from_connection_string(private.connection_string) as queues,
    ):
        if not account.get_container_client("inbox").exists():
            account.create_container("inbox")
        account.get_blob_client("inbox", name).upload_blob(iris.csv(2))
        queue = queues.get_queue_client("inbox-events")
        if "inbox-events" not in [each.name for each in queues.list_queues()]:
            queue.create_queue()
        queue.send_message(base64.b64encode(json.dumps(event).encode()).decode())

        def listed() -> dict[str, Any] | None:
            found = Client(private).ask("GET", "/endpoints/garden/jobs", BATCH).json()["value"]
            return next((job for job in found if job["inputs"][0]["location"] == f"inbox/{name}"), None)

        job = Client(private).finished("garden", until("the job", listed)["id"])
        assert (job["status"], job["counts"]["predicted"], job["submitted_by"]) == ("Completed", 2, "drop")


def test_a_job_reads_and_writes_in_another_account_that_the_endpoint_may_use(private: Stack) -> None:
    client = Client(private)
    with BlobServiceClient.from_connection_string(private.azurite.connection_string_of("partner")) as partner:
        partner.get_blob_client("flowers", "in/a b.csv").upload_blob(iris.csv(20))
        base = f"{partner.url.rstrip('/')}/flowers"
        output = {"score": {"JobOutputType": "UriFolder", "Uri": f"{base}/out/today/"}}
        asked = body(f"{base}/in/a%20b.csv", OutputData=output)
        reply = submit(client, "garden", asked)
        assert reply.status_code == 202, reply.text
        job = client.finished("garden", reply.json()["id"])
        assert (job["status"], job["output"]) == ("Completed", f"{base}/out/today/"), job["error"]
        names = list(partner.get_container_client("flowers").list_blob_names(name_starts_with="out/today/"))
        assert names == [f"out/today/{name}" for name in ("_SUCCESS", "manifest.json", *_parts(3))]
        elsewhere = body(f"{base.removesuffix('flowers')}secrets/a.csv")
        assert submit(client, "garden", elsewhere).json()["error"]["code"] == "LocationNotAllowed"


def _parts(count: int) -> list[str]:
    return [f"part-{number:06d}.parquet" for number in range(count)]
