"""Readers and the comparison of outputs find what they are there to find."""

import io
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from tests.chaos.reader import Broken, LatestReader, Output, OutputReader

_PREFIX = "flowers/one/"


@pytest.fixture
def container(azurite: str) -> Iterator[ContainerClient]:
    with BlobServiceClient.from_connection_string(azurite) as service:
        yield service.create_container(f"outputs-{uuid.uuid4().hex[:12]}")


def _part(rows: Sequence[int], value: float = 1.0, file: str = "in/one.csv") -> bytes:
    table = pa.table({"row": list(rows), "prediction": [value] * len(rows), "file_name": [file] * len(rows)})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _put(container: ContainerClient, parts: dict[str, bytes], prefix: str = _PREFIX, leave_out: str = "") -> None:
    rejected = [{"row": 9, "reason": "bad"}]
    manifest = {
        "counts": {"rows": 5},
        "parts": [{"name": name, "size_bytes": len(data)} for name, data in parts.items()],
    }
    files = {
        **parts,
        "rejected.jsonl": "".join(json.dumps(row) + "\n" for row in rejected).encode(),
        "manifest.json": json.dumps(manifest).encode(),
        "_SUCCESS": b"",
    }
    for name, data in files.items():
        if name != leave_out:
            container.upload_blob(prefix + name, data, overwrite=True)


def _output(container: ContainerClient, parts: dict[str, bytes], prefix: str = _PREFIX) -> Output:
    _put(container, parts, prefix)
    return Output(container, prefix)


def test_an_output_that_is_cut_into_other_parts_is_the_same(container: ContainerClient) -> None:
    one = _output(container, {"a": _part([0, 1]), "b": _part([2, 3])})
    other = _output(container, {"a": _part([2, 3, 0]), "b": _part([1], file="in/two.csv")}, "flowers/two/")
    assert one.differences(other) == []
    assert (one.rows(), other.files()) == ([0, 1, 2, 3, 9], {"in/one.csv", "in/two.csv"})


def test_outputs_of_text_are_read_too(container: ContainerClient) -> None:
    line = '{"row": 0, "prediction": 1.5, "file_name": "in/one.csv"}\n'
    for name, text in {"predictions.jsonl": line, "p.csv": "row,prediction,file_name\n0,1.5,in/one.csv\n"}.items():
        output = _output(container, {name: text.encode()}, f"flowers/{name}/")
        assert output.table is not None
        assert output.table.to_pylist() == [{"row": 0, "prediction": 1.5, "file_name": "in/one.csv"}]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            {"a": _part([0, 1]), "b": _part([1, 2])},
            ["1 rows are there more than once", "the rows are not the same ones"],
        ),
        ({"a": _part([0, 1])}, ["the rows are not the same ones"]),
        ({"a": _part([0, 1, 2], value=2.0)}, ["some values differ"]),
        ({}, ["the rows are not the same ones"]),
    ],
)
def test_rows_twice_or_missing_and_other_values_are_found(
    container: ContainerClient, parts: dict[str, bytes], expected: list[str]
) -> None:
    twin = _output(container, {"a": _part([0, 1, 2])})
    assert _output(container, parts, "flowers/two/").differences(twin) == expected


def test_other_rejected_rows_counts_and_blobs_that_nobody_names_are_found(container: ContainerClient) -> None:
    twin = _output(container, {"a": _part([0])})
    _put(container, {"a": _part([0])}, "flowers/two/")
    for name, text in {
        "rejected.jsonl": json.dumps({"row": 9, "reason": "worse"}),
        "manifest.json": json.dumps({**twin.manifest, "counts": {"rows": 6}}),
        "part-7": "",
    }.items():
        container.upload_blob(f"flowers/two/{name}", text, overwrite=True)
    assert Output(container, "flowers/two/").differences(twin) == [
        "the rejected rows differ",
        "its manifest counts {'rows': 6}, not {'rows': 5}",
        "its manifest does not name part-7",
    ]


def test_a_reader_sees_nothing_and_then_the_whole(container: ContainerClient) -> None:
    reader = OutputReader(container, _PREFIX)
    assert not reader.look()
    _put(container, {"a": _part([0])}, leave_out="_SUCCESS")
    assert not reader.look()
    _put(container, {"a": _part([0])})
    assert reader.look()


@pytest.mark.parametrize("missing", ["manifest.json", "a"])
def test_a_reader_finds_a_promise_that_is_not_kept(container: ContainerClient, missing: str) -> None:
    _put(container, {"a": _part([0])}, leave_out=missing)
    with pytest.raises(Broken, match=f"_SUCCESS is there, and {missing} is not"):
        OutputReader(container, _PREFIX).look()


@pytest.fixture
def point(container: ContainerClient) -> Callable[[str, str], Any]:
    """Writes `latest.json`."""

    def write(output: str, scored_at: str) -> None:
        document = {"output": f"predictions/{output}", "scored_at": scored_at}
        container.upload_blob("flowers/latest.json", json.dumps(document), overwrite=True)

    return write


def test_a_follower_goes_where_latest_points(container: ContainerClient, point: Callable[[str, str], Any]) -> None:
    follower = LatestReader(container, "flowers")
    assert not follower.look()
    _put(container, {"a": _part([0])})
    point(_PREFIX, "2026-03-01T12:00:00Z")
    assert follower.look()
    point("flowers/nowhere/", "2026-03-01T12:00:01Z")
    with pytest.raises(Broken, match="it names predictions/flowers/nowhere/, where no _SUCCESS is"):
        follower.look()
    point(_PREFIX, "2026-03-01T11:00:00Z")
    with pytest.raises(Broken, match="it went back from"):
        follower.look()


def test_a_watcher_stops_at_what_is_broken_and_keeps_it(container: ContainerClient) -> None:
    _put(container, {"a": _part([0])}, leave_out="a")
    reader = OutputReader(container, _PREFIX)
    reader.start()
    reader.stop()
    assert isinstance(reader.broken, Broken)
    assert not reader.reading
