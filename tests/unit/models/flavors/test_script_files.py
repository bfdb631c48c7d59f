"""Azure ML's batch contract: run() is given paths, and what it returns becomes columns."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import ScoringFailed
from shared.models.flavor import Abort, FilesAnswer
from shared.models.flavors.script import SandboxedScript
from shared.models.flavors.worker_environment import WorkerSpec
from tests.unit.models.flavors.scripts import Log, answer, running

# Evaluates what the first file holds; the others are its mini_batch.
SOURCE = """
    import math
    import numpy as np
    import pandas as pd
    def init(): pass
    def run(mini_batch):
        if isinstance(mini_batch, str):
            return {"online": mini_batch}
        return eval(open(mini_batch[0]).read())
"""
PLAIN = """
    import argparse, os, sys
    from azureml_user.parallel_run import EntryScript
    def init():
        global entry, given
        entry = EntryScript()
        given, _ = argparse.ArgumentParser().parse_known_args()
    def run(mini_batch):
        assert "numpy" not in sys.modules and vars(argparse.ArgumentParser().parse_args()) == vars(given) == {}
        entry.logger.info("a batch of %d in %s", len(mini_batch), entry.output_dir)
        return [{"name": os.path.basename(path), "bytes": open(path, "rb").read()} for path in mini_batch]
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxedScript]:
    with running(tmp_path_factory.mktemp("files"), SOURCE) as script:
        yield script


def files(folder: Path, *contents: str) -> list[Path]:
    paths = [folder / f"{number}.txt" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content)
    return paths


def run_files(script: SandboxedScript, paths: Sequence[Path]) -> FilesAnswer:
    """One that wrote no files."""
    answered = script.run_files(paths, None)
    assert (answered.written, list(answered.folder.iterdir())) == ({}, [])
    answered.folder.rmdir()
    return answered


def told(script: SandboxedScript, expression: str, folder: Path) -> dict[str, Any]:
    answered = run_files(script, files(folder, expression, "", ""))
    assert all(len(array) == answered.rows for array in answered.outputs.values())
    return {name: (array.dtype.kind, array.tolist()) for name, array in answered.outputs.items()}


def refused(script: SandboxedScript, expression: str, folder: Path) -> str:
    with pytest.raises(ScoringFailed) as caught:
        script.run_files(files(folder, expression), Abort())
    return caught.value.message


@pytest.mark.parametrize(
    ("expression", "outputs"),
    [
        ("[1, 2]", {"prediction": ("i", [1, 2])}),
        ("(1, 2.5)", {"prediction": ("f", [1.0, 2.5])}),
        ("[True, False]", {"prediction": ("b", [True, False])}),
        ("['a', 'b', 'c', 'd']", {"prediction": ("O", ["a", "b", "c", "d"])}),
        ("['a', 1, None]", {"prediction": ("O", ["a", 1, None])}),
        ("[1, None]", {"prediction": ("O", [1, None])}),
        ("[None, None]", {"prediction": ("O", [None, None])}),
        ("[2**70, 1]", {"prediction": ("O", [2**70, 1])}),
        ("[0.5, math.inf]", {"prediction": ("f", [0.5, np.inf])}),
        ("[[1, 2], [3]]", {"prediction": ("O", [[1, 2], [3]])}),
        ("[b'\\xff', None]", {"prediction": ("O", [b"\xff", None])}),
        ("[np.float32(0.5), np.float32(2)]", {"prediction": ("f", [0.5, 2.0])}),
        ("[np.array([1, 2]), np.array([3, 4])]", {"prediction": ("O", [[1, 2], [3, 4]])}),
        ("[pd.NA, pd.Timestamp('2026-01-02')]", {"prediction": ("O", [None, "2026-01-02T00:00:00"])}),
        ("[{'a': 1, 'b': 'x'}, {'a': 2}, None]", {"a": ("O", [1, 2, None]), "b": ("O", ["x", None, None])}),
        ("[{'a': {'b': [1]}}]", {"a": ("O", [{"b": [1]}])}),
        ("[{1: 2}]", {"1": ("i", [2])}),
        ("[]", {}),
        ("mini_batch[1:] and [len(mini_batch), type(mini_batch).__name__]", {"prediction": ("O", [3, "list"])}),
        ("[{type(path).__name__ for path in mini_batch} == {'str'}]", {"prediction": ("b", [True])}),
        ("np.array([1, 2], 'u1')", {"prediction": ("u", [1, 2])}),
        ("np.array([[1], [2]])", {"prediction": ("i", [1, 2])}),
        ("np.array([[1, 2], [3, 4]])", {"prediction": ("i", [[1, 2], [3, 4]])}),
        ("np.array(['a', 'b'])", {"prediction": ("O", ["a", "b"])}),
        ("np.zeros((0, 3))", {"prediction": ("f", [])}),
        ("pd.Series([1, 2], index=[7, 8])", {"prediction": ("i", [1, 2])}),
        ("pd.Series(['a', None], name='label')", {"label": ("O", ["a", None])}),
        ("pd.DataFrame({'a': [1, 2], 'b': ['x', None]}, index=[7, 9])", {"a": ("i", [1, 2]), "b": ("O", ["x", None])}),
        ("pd.DataFrame({'a': [1, None], 'b': [True, False]}).astype({'a': 'Int64'})", {"a": "f", "b": "b"}),
        ("pd.DataFrame({3: [1], ('x', 'y'): [[1, 2]]})", {"3": ("i", [1]), "('x', 'y')": ("O", [[1, 2]])}),
        ("pd.DataFrame({'a': pd.Categorical(['u', 'v'])})", {"a": ("O", ["u", "v"])}),
        ("pd.DataFrame({'a': []})", {"a": ("f", [])}),
        ("pd.DataFrame(index=[1, 2])", {}),
    ],
)
def test_what_run_returns_becomes_columns(
    script: SandboxedScript, tmp_path: Path, expression: str, outputs: dict[str, Any]
) -> None:
    found = told(script, expression, tmp_path)
    kinds = {name: kind for name, (kind, _) in found.items()}
    assert (kinds if "Int64" in expression else found) == outputs


def test_rows_are_counted_as_they_are_returned(script: SandboxedScript, tmp_path: Path) -> None:
    for expression, rows in (("[1] * 7", 7), ("[]", 0), ("pd.DataFrame(index=range(5))", 5)):
        assert run_files(script, files(tmp_path, expression, "", "")).rows == rows


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("open('/no/such file').read()", "FileNotFoundError: [Errno 2] No such file or directory: '…'"),
        ("int('two\\nlines')", "ValueError: invalid literal for int() with base 10: 'two\\nlines'"),
        ("[object()]", "TypeError: a value of type object cannot be sent"),
        ("np.zeros(2, 'i4,i4')", "TypeError: an array of type [('f0', '<i4'), ('f1', '<i4')] cannot be sent"),
        (
            "pd.DataFrame([[1, 2]], columns=['a', 'a'])",
            "ValueError: run() returned a data frame with two columns named a",
        ),
    ],
)
def test_a_run_that_raises_or_cannot_be_sent_says_why_in_one_line(
    script: SandboxedScript, tmp_path: Path, expression: str, reason: str
) -> None:
    assert refused(script, expression, tmp_path) == f"the model failed: {reason}"


@pytest.mark.parametrize(("expression", "kind"), [("None", "NoneType"), ("{}", "dict"), ("'x'", "str"), ("3", "int")])
def test_a_result_of_another_kind_says_what_is_expected(
    script: SandboxedScript, tmp_path: Path, expression: str, kind: str
) -> None:
    assert refused(script, expression, tmp_path) == (
        f"the model failed: TypeError: run() returned {kind}: "
        "return a pandas DataFrame or a list, an entry for each success"
    )
    assert "returned ndarray" in refused(script, "np.array(1)", tmp_path)


def test_objects_among_other_values_or_with_keys_without_end_are_refused(
    script: SandboxedScript, tmp_path: Path
) -> None:
    assert "objects and other values in one list" in refused(script, "[{'a': 1}, 2]", tmp_path)
    assert "more than 1000 different keys" in refused(script, "[{str(n): 1} for n in range(1001)]", tmp_path)
    assert len(told(script, "[{str(n): 1} for n in range(1000)]", tmp_path)) == 1000


def test_a_failed_call_leaves_no_folder(
    script: SandboxedScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    refused(script, "1 / 0", tmp_path)
    assert not list(tmp_path.glob("slipway-*"))


def test_more_than_a_frame_holds_is_a_failure_of_the_call_alone(script: SandboxedScript, tmp_path: Path) -> None:
    assert "the answer is too large: more than 512 MiB" in refused(script, "np.zeros(2**26 + 1)", tmp_path)
    assert told(script, "[1]", tmp_path) == {"prediction": ("i", [1])}


def test_the_same_process_answers_requests_and_mini_batches(script: SandboxedScript, tmp_path: Path) -> None:
    pid = told(script, "[__import__('os').getpid()]", tmp_path)["prediction"][1]
    assert answer(script, "asked") == {"online": "asked"}
    assert told(script, "[__import__('os').getpid()]", tmp_path)["prediction"][1] == pid


def test_paths_are_absolute_for_a_script_that_runs_elsewhere(
    script: SandboxedScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, "mini_batch")
    monkeypatch.chdir(tmp_path)
    assert run_files(script, [Path("0.txt")]).outputs["prediction"].tolist() == [str(tmp_path / "0.txt")]


def test_a_script_needs_no_numpy_and_may_parse_arguments_and_log_as_in_azure_ml(tmp_path: Path, log: Log) -> None:
    environment = tmp_path / "plain"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    spec = WorkerSpec(python=environment / "bin" / "python")
    with running(tmp_path / "package", PLAIN, spec) as script:
        answered = run_files(script, files(tmp_path, "one", "two"))
        assert "a batch of 2 in /" in log.wait_for("a batch of")
    assert {name: array.tolist() for name, array in answered.outputs.items()} == {
        "name": ["0.txt", "1.txt"],
        "bytes": [b"one", b"two"],
    }


def test_a_script_that_wants_more_than_the_mini_batch_says_so(tmp_path: Path) -> None:
    with running(tmp_path, "def init(): pass\ndef run(raw_data, request_headers): pass") as script:
        told = refused(script, "", tmp_path)
    assert told == "the model failed: TypeError: run() missing 1 required positional argument: 'request_headers'"


def test_the_script_behind_a_generated_driver_is_given_the_files(tmp_path: Path) -> None:
    driver = "import real as driver_module\ndef init(): pass\ndef run(raw_data): return ['the driver']"
    with running(tmp_path / "package", driver, real="def run(batch): return ['real']") as script:
        answered = script.run_files(files(tmp_path, ""), None)
        assert answered.outputs["prediction"].tolist() == ["real"]
        shutil.rmtree(answered.folder)
