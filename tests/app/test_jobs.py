"""Jobs by REST: Azure ML's contract of a batch endpoint, and Data Factory's of a long-running operation."""

import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.storage.blob import BlobServiceClient

from tests.app.client import Client, until
from tests.app.jobs import BATCH, body, predictions, read, submit, upload
from tests.support import iris

type Publish = Callable[..., dict[str, Any]]


def test_a_job_is_submitted_followed_and_read_as_azure_mls_clients_and_data_factory_do(
    client: Client, account: BlobServiceClient, garden: str
) -> None:
    reply = submit(client, garden, body(upload(account, "garden/a.csv", iris.csv(90))))
    assert reply.status_code == 202
    job = reply.json()
    assert (job["id"], job["properties"]["status"]) == (job["name"], "NotStarted")
    assert int(reply.headers["Retry-After"]) > 0
    location = reply.headers["Location"]
    assert urlsplit(location).path == f"/endpoints/garden/jobs/{job['id']}/status"

    def done() -> dict[str, Any] | None:
        """Without a token: the address is all that it takes."""
        asked = requests.get(location, timeout=30)
        assert asked.status_code in (200, 202)
        if asked.status_code == 202:
            assert asked.headers["Location"] == location
            assert "Retry-After" in asked.headers
            return None
        return dict(asked.json())

    finished = until("the end of the job", done)
    assert finished["status"] == finished["properties"]["status"] == "Completed"
    assert finished["counts"] == {"rows": 90, "predicted": 90, "rejected": 0, "mini_batches": 3}
    assert finished["model_version"] == "iris/1"
    assert finished["links"]["output"].endswith(f"/predictions/garden/{job['id']}/")
    assert predictions(account, finished)["row"].to_pylist() == list(range(90))
    # It was started at once, and not only found by the reconciler.
    assert json.loads(read(account, f"jobs/{job['id']}/job.json"))["attempt"] == 1
    with_token = client.ask("GET", f"/endpoints/garden/jobs/{job['id']}", BATCH)
    assert with_token.json() == finished


def test_a_repeated_request_is_the_same_job_and_another_body_or_caller_another(
    client: Client, account: BlobServiceClient, garden: str
) -> None:
    first, second = (upload(account, f"garden/repeat-{name}.csv", iris.csv(2)) for name in "ab")
    key = str(uuid.uuid4())
    headers = {"Idempotency-Key": key}
    job = submit(client, garden, body(first), **headers).json()["id"]
    lower = {"properties": {"inputData": {"flowers": {"jobInputType": "UriFile", "uri": first}}}}
    again = submit(client, garden, lower, **{"repeatability_request-id": key})
    # Azure ML's SDK, which alone sends this header, takes a 202 for a failure.
    assert (again.status_code, again.json()["id"]) == (201, job)
    assert requests.get(again.headers["Location"], timeout=30).status_code in (200, 202)
    assert submit(client, garden, body(second), **headers).json()["id"] != job
    other = client.stack.token([BATCH], "api://slipway", oid=str(uuid.uuid4()))
    theirs = requests.post(
        f"{client.stack.url}/endpoints/garden/jobs",
        json=body(first),
        headers={**headers, "Authorization": f"Bearer {other}"},
        timeout=30,
    )
    assert theirs.json()["id"] != job
    assert submit(client, garden, body(first)).json()["id"] != job


def test_what_fails_and_what_is_unknown_is_an_error_for_those_who_only_look_at_the_status(
    client: Client, account: BlobServiceClient, garden: str
) -> None:
    reply = submit(client, garden, body(upload(account, "garden/bad.csv", b"a,b\n1,2\n")))
    job = client.finished(garden, reply.json()["id"])
    assert (job["status"], job["error"]["code"]) == ("Failed", "UnreadableInput")
    asked = requests.get(reply.headers["Location"], timeout=30)
    assert (asked.status_code, asked.json()["error"]["code"]) == (422, "JobFailed")
    assert "lacks the columns" in asked.json()["error"]["message"]
    address = reply.headers["Location"].partition("?")[0]
    for wrong in ("?capability=x", f"?capability={'x' * 43}", f"?capability={'x' * 5000}"):
        assert requests.get(address + wrong, timeout=30).status_code == 404
    assert requests.get(address, timeout=30).status_code == 401
    unknown = address.replace(job["id"], "rest-" + "0" * 24)
    assert requests.get(f"{unknown}?capability=x", timeout=30).status_code == 404
    secret = reply.headers["Location"].partition("capability=")[2]
    assert secret not in client.stack.host_log.read_text()
    assert secret not in read(account, f"jobs/{job['id']}/job.json").decode()


def test_a_job_is_canceled_leaves_nothing_and_is_retried_from_the_start(
    client: Client, account: BlobServiceClient, publish: Publish
) -> None:
    publish("canceled", batch={"mini_batch_size": 1, "drop": "folder"})
    reply = submit(client, "canceled", body(upload(account, "canceled/a.csv", iris.csv(300))))
    job_id = reply.json()["id"]
    path = f"/endpoints/canceled/jobs/{job_id}"
    jobs, staging = map(account.get_container_client, ("jobs", "staging"))
    until(
        "some mini-batches",
        lambda: len(list(staging.list_blobs(name_starts_with=f"{job_id}/1/ledger/"))) > 5 or None,
    )
    assert client.ask("POST", f"{path}/cancel", "Endpoint.Read").status_code == 403
    canceled = client.ask("POST", f"{path}/cancel", BATCH)
    assert (canceled.status_code, canceled.json()["status"]) == (202, "CancelRequested")
    job = client.finished("canceled", job_id)
    assert job["status"] == "Canceled"
    assert client.ask("POST", f"{path}/cancel", BATCH).status_code == 200
    assert requests.get(reply.headers["Location"], timeout=30).status_code == 410
    until("the end of its work", lambda: not list(jobs.list_blobs(name_starts_with=f"{job_id}/1/")) or None)
    for container in ("predictions", "staging"):
        prefix = f"canceled/{job_id}/" if container == "predictions" else f"{job_id}/"
        assert not list(account.get_container_client(container).list_blobs(name_starts_with=prefix))

    again = client.ask("POST", f"{path}/retry", BATCH)
    assert (again.status_code, again.json()["status"]) == (202, "NotStarted")
    job = client.finished("canceled", job_id)
    assert (job["status"], job["counts"]["predicted"]) == ("Completed", 300)
    assert requests.get(again.headers["Location"], timeout=30).status_code == 200
    for late in ("cancel", "retry"):
        refused = client.ask("POST", f"{path}/{late}", BATCH)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "InvalidTransition")


def test_a_failed_job_goes_on_where_it_stopped_when_more_rejected_rows_are_allowed(
    client: Client, account: BlobServiceClient, garden: str
) -> None:
    content = iris.csv(10) + b"x,1,2,3\n" * 3
    job_id = submit(client, garden, body(upload(account, "garden/three-bad.csv", content))).json()["id"]
    assert client.finished(garden, job_id)["error"]["code"] == "ErrorThresholdExceeded"
    parts = list(account.get_container_client("staging").list_blobs(name_starts_with=f"{job_id}/1/ledger/"))
    assert len(parts) == 1
    path = f"/endpoints/garden/jobs/{job_id}/retry"
    wrong = client.ask("POST", path, BATCH, json={"properties": {"miniBatchSize": 3}})
    assert wrong.status_code == 400
    client.ask("POST", path, BATCH, json={"properties": {"errorThreshold": "50%"}})
    job = client.finished(garden, job_id)
    assert (job["status"], job["counts"]["rejected"]) == ("Completed", 3)
    (part,) = account.get_container_client("predictions").list_blobs(name_starts_with=f"garden/{job_id}/part-")
    assert part.size == parts[0].size


def test_jobs_are_listed_by_page_status_and_submitter(
    client: Client, account: BlobServiceClient, publish: Publish
) -> None:
    publish("listed", batch={"drop": "folder"})
    uri = upload(account, "listed/a.csv", iris.csv(1))
    ids = [submit(client, "listed", body(uri)).json()["id"] for _ in range(5)]
    ids.append(submit(client, "listed", body("inbox/listed/missing.csv")).json()["id"])
    for job_id in ids:
        client.finished("listed", job_id)

    def pages(query: str) -> list[str]:
        found, address = [], f"{client.stack.url}/endpoints/listed/jobs?{query}"
        while address:
            reply = client.ask("GET", address.removeprefix(client.stack.url), "Endpoint.Read")
            assert reply.status_code == 200, reply.text
            found += [job["id"] for job in reply.json()["value"]]
            address = reply.json().get("nextLink", "")
        return found

    assert pages("") == ids[::-1]
    assert pages("$top=2") == ids[::-1]
    assert pages("status=Failed") == ids[-1:]
    assert pages("status=Completed,Running&$top=1") == ids[-2::-1]
    assert pages("submitted_by=schedule/nightly") == []
    for wrong in ("status=Done", "$top=0", "$top=x", "top=1", "$skiptoken=%00"):
        assert client.ask("GET", f"/endpoints/listed/jobs?{wrong}", "Endpoint.Read").status_code == 400, wrong


def test_the_world_is_told_of_the_end(client: Client, account: BlobServiceClient, garden: str) -> None:
    import base64

    from azure.storage.queue import QueueServiceClient

    job_id = submit(client, garden, body(upload(account, "garden/told.csv", iris.csv(3)))).json()["id"]
    client.finished(garden, job_id)
    with QueueServiceClient.from_connection_string(client.stack.connection_string) as queues:
        queue = queues.get_queue_client("job-events")

        def told() -> dict[str, Any] | None:
            for message in queue.receive_messages(messages_per_page=32, visibility_timeout=1):
                event: dict[str, Any] = json.loads(base64.b64decode(message.content))
                if event["job_id"] == job_id:
                    return event
            return None

        event = until("the event", told)
    assert (event["status"], event["counts"]["predicted"], event["endpoint"]) == ("Completed", 3, "garden")
