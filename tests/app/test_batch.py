"""A dropped blob, from the inbox to `_SUCCESS`, on the real host with the real durable engine."""

import gzip
import json
from typing import Any

import pytest
import requests
from azure.storage.blob import BlobServiceClient

from shared.batch.job import dropped_id
from tests.app.client import Client, until
from tests.app.jobs import drop, predictions, read
from tests.support import iris


@pytest.mark.parametrize("packed", [False, True])
def test_dropped_csv_is_scored_whole(client: Client, account: BlobServiceClient, flowers: str, packed: bool) -> None:
    content = iris.csv(150) + b"x,1,2,3\n,1,2,3\n"
    job_id = drop(account, flowers, gzip.compress(content) if packed else content, "csv.gz" if packed else "csv")
    job = client.finished(flowers, job_id)
    assert (job["status"], job["counts"]) == (
        "Completed",
        {"rows": 152, "predicted": 150, "rejected": 2, "mini_batches": 4},
    )

    table = predictions(account, job)
    assert table["row"].to_pylist() == list(range(150))
    assert set(table["endpoint"].to_pylist()) == {flowers}
    assert set(table["deployment"].to_pylist()) == {"blue"}
    assert set(table["model_version"].to_pylist()) == {"iris/1"}
    online = client.score(flowers, iris.request(150)).json()
    assert table["label"].to_pylist() == [row["label"] for row in online]

    rejected = [json.loads(line) for line in read(account, f"{job['output']}rejected.jsonl").splitlines()]
    assert [(row["row"], row["reason"]) for row in rejected] == [
        (150, "sepal_length: 'x' is not a number"),
        (151, "sepal_length: the value is missing"),
    ]
    assert not list(account.get_container_client("staging").list_blobs(name_starts_with=job_id))


def test_more_bad_rows_than_allowed_promote_nothing(client: Client, account: BlobServiceClient, flowers: str) -> None:
    job_id = drop(account, flowers, iris.csv(10) + b"x,1,2,3\n" * 3)
    job = client.finished(flowers, job_id)
    assert (job["status"], job["error"]["code"]) == ("Failed", "ErrorThresholdExceeded")
    assert "3 of 13 rows" in job["error"]["message"]
    assert not list(account.get_container_client("predictions").list_blobs(name_starts_with=f"{flowers}/{job_id}/"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\x03" * 100, "binary"),
        (b"a,b\n1,2\n", "lacks the columns sepal_length"),
        (gzip.compress(iris.csv(50))[:-20], "gzip ends too early"),
        (b"\x1f\x8bnot really", "gzip is broken"),
    ],
)
def test_unreadable_file_fails_its_job_and_holds_nothing_up(
    client: Client, account: BlobServiceClient, flowers: str, content: bytes, says: str
) -> None:
    bad, good = drop(account, flowers, content), drop(account, flowers, iris.csv(5))
    job = client.finished(flowers, bad)
    assert job["status"] == "Failed"
    assert says in job["error"]["message"]
    assert client.finished(flowers, good)["status"] == "Completed"


def test_file_for_an_unknown_endpoint_is_a_failed_job_and_not_lost(client: Client, account: BlobServiceClient) -> None:
    job_id = drop(account, "nobody", iris.csv(5))
    blob = account.get_blob_client("jobs", f"{job_id}/job.json")

    def closed() -> dict[str, Any] | None:
        document = json.loads(blob.download_blob().readall()) if blob.exists() else {"status": ""}
        return document if document["status"] == "Failed" else None

    assert until("the end of the job", closed)["error"]["code"] == "EndpointNotFound"


def test_same_blob_delivered_again_is_the_same_job(client: Client, account: BlobServiceClient, flowers: str) -> None:
    job_id = drop(account, flowers, iris.csv(5))
    first = client.finished(flowers, job_id)
    receipts = account.get_container_client("azure-webjobs-hosts")
    mine = [item.name for item in receipts.list_blobs() if first["inputs"][0]["etag"].strip('"') in item.name]
    assert mine, "the trigger keeps a receipt by ETag"
    client.stack.stop_host()
    for name in mine:
        receipts.delete_blob(name)
    client.stack.start_host()
    until("the second delivery", lambda: all(receipts.get_blob_client(name).exists() for name in mine) or None)
    # A later drop is finished after the second delivery was looked at.
    client.finished(flowers, drop(account, flowers, iris.csv(5)))
    assert client.finished(flowers, job_id) == first


def test_changed_blob_is_a_new_job(client: Client, account: BlobServiceClient, flowers: str) -> None:
    blob = account.get_blob_client("inbox", f"{flowers}/changing.csv")
    ids = []
    for rows in (5, 6):
        etag = blob.upload_blob(iris.csv(rows), overwrite=True)["etag"]
        ids.append(dropped_id(f"inbox/{flowers}/changing.csv", etag))
        assert client.finished(flowers, ids[-1])["counts"]["rows"] == rows
    assert len(set(ids)) == 2


def test_schedule_runs_what_waits_in_its_folder(client: Client, account: BlobServiceClient, publish: Any) -> None:
    schedule = {"name": "often", "cron": "* * * * * *", "input": "inbox/nightly/due/"}
    account.get_blob_client("inbox", "nightly/due/a.csv").upload_blob(iris.csv(4))
    account.get_blob_client("inbox", "nightly/due/b.csv").upload_blob(iris.csv(3))
    publish("nightly", batch={"schedules": [schedule]})
    latest = account.get_blob_client("predictions", "nightly/latest.json")
    until("a scheduled output", lambda: latest.exists() or None)
    job = client.finished("nightly", json.loads(latest.download_blob().readall())["job_id"])
    publish("nightly")
    assert job["submitted_by"] == "schedule/often"
    assert job["counts"] == {"rows": 7, "predicted": 7, "rejected": 0, "mini_batches": 2}
    files = sorted(set(predictions(account, job)["file_name"].to_pylist()))
    assert files == ["inbox/nightly/due/a.csv", "inbox/nightly/due/b.csv"]


def test_job_of_another_endpoint_is_not_found(
    client: Client, account: BlobServiceClient, flowers: str, publish: Any
) -> None:
    publish("other")
    job_id = drop(account, flowers, iris.csv(1))
    client.finished(flowers, job_id)
    reply = client.ask("GET", f"/endpoints/other/jobs/{job_id}", "Endpoint.Read")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "JobNotFound")


def test_status_is_told_in_azure_mls_words(client: Client, account: BlobServiceClient, flowers: str) -> None:
    job = client.finished(flowers, drop(account, flowers, iris.csv(81)))
    progress = {name: job["progress"][name] for name in ("mini_batches", "mini_batches_done", "rows", "rows_done")}
    assert progress == {"mini_batches": 3, "mini_batches_done": 3, "rows": 81, "rows_done": 81}
    assert (job["progress"]["percent"], job["progress"]["eta"], job["progress"]["rows_per_s"] > 0) == (
        100.0,
        None,
        True,
    )
    assert "attempt" not in job
    assert requests.get(f"{client.stack.url}/endpoints/{flowers}/jobs/{job['id']}", timeout=10).status_code == 401


def test_a_host_that_is_killed_in_the_middle_of_a_job_ends_it_after_its_restart(
    client: Client, account: BlobServiceClient, publish: Any
) -> None:
    publish("fragile", batch={"mini_batch_size": 1})
    job_id = drop(account, "fragile", iris.csv(200))
    jobs, staging = map(account.get_container_client, ("jobs", "staging"))

    def some_are_done() -> bool | None:
        return len(list(staging.list_blobs(name_starts_with=f"{job_id}/1/ledger/"))) > 5 or None

    until("some mini-batches", some_are_done)
    client.stack.kill_host()
    assert json.loads(jobs.download_blob(f"{job_id}/job.json").readall())["status"] == "Running"
    client.stack.start_host()
    job = client.finished("fragile", job_id)
    assert job["counts"] == {"rows": 200, "predicted": 200, "rejected": 0, "mini_batches": 200}
    assert predictions(account, job)["row"].to_pylist() == list(range(200))
