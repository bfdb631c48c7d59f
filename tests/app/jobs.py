"""Jobs of the app, by REST or by a drop, and what they read and write in storage."""

import io
import json
import uuid
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import requests
from azure.storage.blob import BlobServiceClient

from shared.batch.job import dropped_id
from tests.app.client import Client

BATCH: Final = "Endpoint.Batch"


def upload(account: BlobServiceClient, name: str, content: bytes, container: str = "inbox") -> str:
    account.get_blob_client(container, name).upload_blob(content, overwrite=True)
    return f"{container}/{name}"


def body(uri: str, kind: str = "UriFile", **properties: Any) -> dict[str, Any]:
    return {"properties": {"InputData": {"flowers": {"JobInputType": kind, "Uri": uri}}, **properties}}


def submit(client: Client, endpoint: str, document: object, **headers: str) -> requests.Response:
    path = f"/endpoints/{endpoint}/jobs"
    return client.ask("POST", path, BATCH, json=document, headers=headers)


def drop(account: BlobServiceClient, endpoint: str, content: bytes, suffix: str = "csv") -> str:
    """Drops a file of its own name; the id of the job that it will be."""
    name = f"{endpoint}/{uuid.uuid4().hex}.{suffix}"
    etag = account.get_blob_client("inbox", name).upload_blob(content)["etag"]
    return dropped_id(f"inbox/{name}", etag)


def read(account: BlobServiceClient, path: str) -> bytes:
    container, _, name = path.partition("/")
    return bytes(account.get_blob_client(container, name).download_blob().readall())


def predictions(account: BlobServiceClient, job: dict[str, Any]) -> pa.Table:
    assert read(account, f"{job['output']}_SUCCESS") == b""
    manifest = json.loads(read(account, f"{job['output']}manifest.json"))
    parts = [pq.read_table(io.BytesIO(read(account, job["output"] + part["name"]))) for part in manifest["parts"]]
    return pa.concat_tables(parts).unify_dictionaries().sort_by("row")
