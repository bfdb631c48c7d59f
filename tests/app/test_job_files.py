"""Jobs by REST: which files they read, and which they write, as their callers ask."""

import csv
import io
import json
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
from azure.storage.blob import BlobServiceClient

from tests.app.client import Client
from tests.app.jobs import body, predictions, read, submit, upload
from tests.support import iris


def test_one_file_in_the_folder_and_the_format_that_the_caller_names(
    client: Client, account: BlobServiceClient, garden: str
) -> None:
    uri = upload(
        account,
        "garden/one.csv",
        b"id,note,"
        + iris.csv(1).splitlines()[0]
        + b"\n"
        + b"".join(f"{row},n{row},{','.join(map(str, values))}\n".encode() for row, values in enumerate(iris.rows(95))),
    )
    output = {"score": {"JobOutputType": "UriFile", "Uri": f"predictions/garden/{uuid.uuid4()}/mine.csv"}}
    asked = body(uri, OutputData=output, MiniBatchSize=10, outputColumns=["id"])
    job = client.finished(garden, submit(client, garden, asked).json()["id"])
    assert job["status"] == "Completed"
    assert job["output"] == output["score"]["Uri"].removesuffix("mine.csv")
    rows = list(csv.reader(io.StringIO(read(account, f"{job['output']}mine.csv").decode())))
    assert rows[0][:3] == ["id", "row", "label"]
    assert [row[0] for row in rows[1:]] == [str(row) for row in range(95)]
    refused = submit(client, garden, asked)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "OutputTaken")


def test_json_lines_and_parquet_by_a_pattern_with_params_and_several_inputs(
    client: Client, account: BlobServiceClient, garden: str
) -> None:
    table = pa.table(dict(zip(iris.COLUMNS, zip(*iris.rows(7), strict=True), strict=True)))
    sink = io.BytesIO()
    pq.write_table(table, sink)
    upload(account, "garden/mixed/deep/a.parquet", sink.getvalue())
    upload(account, "garden/mixed/b.jsonl", b"".join(json.dumps(row).encode() + b"\n" for row in table.to_pylist()[:3]))
    upload(account, "garden/mixed/c.txt", b"not this one")
    inputs = {
        "tables": {"JobInputType": "UriFolder", "Uri": "inbox/garden/mixed/**/*.parquet"},
        "lines": {"JobInputType": "UriFile", "Uri": "inbox/garden/mixed/b.jsonl"},
    }
    job = client.finished(garden, submit(client, garden, {"properties": {"InputData": inputs}}).json()["id"])
    assert job["status"] == "Completed", job["error"]
    scored = predictions(account, job)
    files = scored["file_name"].to_pylist()
    assert (files.count("inbox/garden/mixed/deep/a.parquet"), files.count("inbox/garden/mixed/b.jsonl")) == (7, 3)
