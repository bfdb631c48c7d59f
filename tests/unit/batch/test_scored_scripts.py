"""A score.py in batch jobs, in its own process: mini-batches of files, rows of tables, and what it writes itself."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, scored
from shared.batch import job as jobs
from shared.batch.job import JobInput
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.batch.scored import Scored, score_files, score_table
from shared.batch.writing.parts import write_rejected
from shared.models.flavor import Runtime
from shared.models.loader import ModelId
from shared.models.mlmodel import describe
from shared.models.package import PACKAGE_FILE, CodeConfiguration, ModelRef, digest_of, package_path
from shared.ports import Container
from tests.support import endpoint

# What each file says is done; `results` are returned.
FILES = """
    import os
    from pathlib import Path
    def init(): pass
    def run(mini_batch):
        results = []
        for path in map(Path, mini_batch):
            text = path.read_text()
            if text == "poison":
                raise ValueError("poison in " + path.name)
            if text == "bytes":
                raise ValueError("bad " + b"\\xff".decode(errors="surrogateescape"))
            if text == "write":
                Path(os.environ["AZUREML_BI_OUTPUT_PATH"], "own.txt").write_text(path.name)
            results += [] if text == "skip" else [text] * (2 if text == "twice" else 1)
        return results
"""
NAMES = """
    import os
    def init(): pass
    def run(mini_batch):
        return [os.path.basename(path) for path in mini_batch]
"""
ROWS = """
    import json
    def init(): pass
    def run(data):
        table = json.loads(data)["input_data"]
        at = table["columns"].index("x")
        if any(row[at] == 13 for row in table["data"]):
            raise ValueError("unlucky")
        return [row[at] * 2 for row in table["data"]]
"""
OBJECTS = """
    import json
    def init(): pass
    def run(data):
        answers = []
        for (x,) in json.loads(data)["input_data"]["data"]:
            if x == 13:
                raise ValueError("unlucky")
            answers.append({"label": x, "note": "large"} if x > 1 else {"label": x})
        return answers
"""

type Score = Callable[..., Scored]


@pytest.fixture
def publish(store: MemoryBlobs, ports: BatchPorts, tmp_path: Path) -> Iterator[Callable[[str], ModelRef]]:
    """Uploads a package of this script; its process ends with the test."""
    uploaded: list[ModelRef] = []

    def upload(source: str) -> ModelRef:
        code = CodeConfiguration(code="code", scoring_script="score.py", model="model")
        for folder in ("code", "model"):
            (tmp_path / folder).mkdir()
        (tmp_path / "code" / "score.py").write_text(textwrap.dedent(source))
        (tmp_path / "model" / "weights").write_text("none")
        package = describe(tmp_path, "mine", "1", code)
        for file in package.files:
            store.write(Container.MODELS, package_path("mine", "1", file.path), (tmp_path / file.path).read_bytes())
        store.write(Container.MODELS, package_path("mine", "1", PACKAGE_FILE), package.to_bytes())
        uploaded.append(ModelRef("mine", "1", digest_of(package.to_bytes())))
        return uploaded[-1]

    yield upload
    for ref in uploaded:
        ports.loader.get(ModelId(ref, Runtime())).close()


@pytest.fixture
def score(store: MemoryBlobs, ports: BatchPorts) -> Score:
    """Scores the first mini-batch of a job that reads these files."""

    def run(ref: ModelRef, files: dict[str, str], **batch: Any) -> Scored:
        endpoint.publish(store, ref, batch={"retry_settings": {"max_retries": 0}, **batch})
        for name, text in files.items():
            store.write(Container.INBOX, f"flowers/in/{name}", text.encode())
        job = jobs.new("rest-1", "flowers", (JobInput(location="inbox/flowers/in/"),), "me", ports.now())
        plan = plan_job(desk.submit(store, job).work, ports)
        page, mini_batch = ports.manifests.page(job.work, 0)
        is_file = page.files[mini_batch.spans[0].file].format == "file"
        return (score_files if is_file else score_table)(plan, page, mini_batch, ports)

    return run


def predictions(scored: Scored) -> list[tuple[str, Any]]:
    assert scored.table is not None
    assert scored.predicted == scored.table.num_rows
    return [(row["file_name"].removeprefix("inbox/flowers/in/"), row["prediction"]) for row in scored.table.to_pylist()]


def test_files_are_given_as_local_paths_and_answered_one_by_one(
    publish: Callable[[str], ModelRef], score: Score
) -> None:
    found = score(publish(FILES), {"a.txt": "one", "deep/a.txt": "two"})
    assert predictions(found) == [("a.txt", "one"), ("deep/a.txt", "two")]
    assert (found.rejected, found.files) == ([], [])


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("a.txt", "a.txt"),
        ("n" * 251 + ".txt", "n" * 251 + ".txt"),
        ("n" * 252 + ".txt", "n" * 251 + ".txt"),
        ("n" * 900 + ".txt", "n" * 251 + ".txt"),
        ("ü" * 300 + ".txt", "ü" * 125 + ".txt"),
        ("花" * 200 + ".png", "花" * 83 + ".png"),
        ("dir/", "dir"),
        ("dir//", "dir"),
        ("dir/../", "file"),
        ("/", "in"),
    ],
)
def test_blobs_with_names_that_files_cannot_have_keep_the_end_that_they_can_have(
    publish: Callable[[str], ModelRef], score: Score, name: str, local: str
) -> None:
    assert predictions(score(publish(NAMES), {name: "x"}, input_format="files")) == [(name, local)]


def test_a_file_that_a_script_fails_for_costs_that_file(publish: Callable[[str], ModelRef], score: Score) -> None:
    files = {f"{number}.txt": "poison" if number == 3 else str(number) for number in range(6)}
    found = score(publish(FILES), files)
    assert predictions(found) == [(f"{number}.txt", str(number)) for number in range(6) if number != 3]
    (bad,) = found.rejected
    assert bad.path == "inbox/flowers/in/3.txt"
    assert "poison in 3.txt" in bad.reason


def test_what_a_script_says_may_be_no_text_in_utf_8(publish: Callable[[str], ModelRef], score: Score) -> None:
    found = score(publish(FILES), {"a.txt": "one", "b.txt": "bytes"})
    assert b"bad ?" in write_rejected(found.rejected)


def test_fewer_results_than_files_count_as_rejected(publish: Callable[[str], ModelRef], score: Score) -> None:
    found = score(publish(FILES), {"a.txt": "one", "b.txt": "skip", "c.txt": "two"})
    assert predictions(found) == [("", "one"), ("", "two")]
    assert [(each.path, each.reason) for each in found.rejected] == [
        ("inbox/flowers/in/c.txt", "run() returned 2 results for 3 files, of which this is the last")
    ]


def test_more_results_than_files_count_as_rows(publish: Callable[[str], ModelRef], score: Score) -> None:
    found = score(publish(FILES), {"a.txt": "one", "b.txt": "twice"})
    assert predictions(found) == [("", "one"), ("", "twice"), ("", "twice")]
    assert (found.predicted, found.rejected) == (3, [])


def test_no_results_are_no_predictions(publish: Callable[[str], ModelRef], score: Score) -> None:
    found = score(publish(FILES), {"a.txt": "skip", "b.txt": "skip"})
    assert (found.table, found.predicted, len(found.rejected)) == (None, 0, 2)


def test_what_a_script_writes_itself_is_kept_from_the_mini_batch_to_the_output(
    publish: Callable[[str], ModelRef], store: MemoryBlobs, ports: BatchPorts, score: Score
) -> None:
    found = score(publish(FILES), {"a.txt": "write", "b.txt": "one"}, output_action="summary_only")
    assert [(file.name, file.data) for file in found.files] == [("own.txt", b"a.txt")]
    assert (found.table, found.predicted) == (None, 2)
    job = desk.read(store, "rest-1")
    score_mini_batch(job.work, 0, ports)
    promote_job(job.work, ports)
    own = store.read(Container.PREDICTIONS, "flowers/rest-1/own.txt")
    assert own is not None
    assert own.data == b"a.txt"


@pytest.mark.parametrize(("room_bytes", "rejected"), [(10, []), (9, ["c.txt"]), (4, ["a.txt", "c.txt"])])
def test_what_a_script_writes_itself_is_bounded_for_the_whole_mini_batch(
    publish: Callable[[str], ModelRef],
    score: Score,
    monkeypatch: pytest.MonkeyPatch,
    room_bytes: int,
    rejected: list[str],
) -> None:
    monkeypatch.setattr(scored, "_MAX_OWN_BYTES", room_bytes)
    found = score(publish(FILES), {"a.txt": "write", "b.txt": "poison", "c.txt": "write", "d.txt": "one"})
    told = {each.path.removeprefix("inbox/flowers/in/"): each.reason for each in found.rejected}
    assert [name for name in told if name != "b.txt"] == rejected
    for name in rejected:
        assert told[name].startswith(f"the score.py wrote more than {room_bytes} bytes of its own for one mini-batch")
    assert [file.data.decode() for file in found.files] == [name for name in ("a.txt", "c.txt") if name not in rejected]


def test_rows_of_a_table_are_sent_as_one_request(publish: Callable[[str], ModelRef], score: Score) -> None:
    found = score(publish(ROWS), {"a.csv": "id,x\n7,1\n8,2\n9,13\n10,3\n"}, input_format="csv")
    assert found.table is not None
    told = [(row["row"], row["prediction"]) for row in found.table.to_pylist()]
    assert told == [(0, 2), (1, 4), (3, 6)]
    (bad,) = found.rejected
    assert (bad.path, bad.row) == ("inbox/flowers/in/a.csv", 2)
    assert bad.reason.startswith("the score.py answered with status 500")


def test_objects_whose_keys_are_not_in_every_row_may_have_a_poison_row_among_them(
    publish: Callable[[str], ModelRef], score: Score
) -> None:
    found = score(publish(OBJECTS), {"a.csv": "x\n1\n2\n13\n1\n"}, input_format="csv")
    assert found.table is not None
    told = [(row["row"], row["label"], row["note"]) for row in found.table.to_pylist()]
    assert told == [(0, 1, None), (1, 2, "large"), (3, 1, None)]
    assert [each.row for each in found.rejected] == [2]


def test_local_copies_are_gone_afterwards(
    publish: Callable[[str], ModelRef], score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    (tmp_path / "copies").mkdir()
    score(publish(FILES), {"a.txt": "one", "b.txt": "poison"})
    assert list((tmp_path / "copies").glob("slipway-mini-batch-*")) == []
