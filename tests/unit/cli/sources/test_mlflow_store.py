"""Models from a real MLflow store in a database."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli.sources.mlflow_store import download
from cli.sources.origin import ModelSource
from cli.sources.resolve import resolve
from cli.sources.uris import RegisteredModel
from devhost.processes import free_port
from shared.errors import MalformedRequest, ModelNotFound, SlipwayError, StorageRefused, StorageUnavailable
from tests.unit.cli.sources.stores import Store

NO_RUN = "0" * 32


def from_store(store: Store, uri: str, into: Path) -> ModelSource:
    return resolve(uri, into, base=into.parent, tracking_uri=store.uri)


def test_a_version_comes_with_what_its_registry_says_of_it(store: Store, into: Path) -> None:
    source = from_store(store, "models:/iris/1", into)
    assert (source.name, source.version, source.code) == ("iris", "1", None)
    assert (source.folder / "MLmodel").is_file()
    origin = source.origin
    assert (origin.uri, origin.resolved, origin.run_id) == ("models:/iris/1", "models:/iris/1", store.run_id)
    assert (origin.tags, origin.aliases) == ({"approved_by": "Ada"}, ("champion",))
    assert origin.flavors == ("python_function", "sklearn")
    assert origin.python_version is not None
    assert origin.python_version.startswith("3.13")
    assert origin.pip_requirements[1:] == ("a==1",)  # the first is MLflow itself


def test_an_alias_is_resolved_to_the_version_that_has_it(store: Store, into: Path) -> None:
    source = from_store(store, "models:/iris@champion", into)
    assert (source.version, source.origin.uri) == ("1", "models:/iris@champion")
    assert source.origin.resolved == "models:/iris/1"


def test_a_run_and_a_logged_model_have_no_name_in_a_registry(store: Store, into: Path) -> None:
    for uri in (f"runs:/{store.run_id}/model", f"models:/{store.model_id}"):
        source = from_store(store, uri, into)
        assert (source.name, source.version, source.origin.run_id) == (None, None, store.run_id)
        assert (source.folder / "MLmodel").is_file()


def test_the_store_is_found_by_mlflows_own_variable(store: Store, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    assert resolve("models:/iris/2", into, base=into.parent).version == "2"
    assert os.environ["MLFLOW_TRACKING_URI"] == store.uri


def test_mlflow_says_nothing_on_the_terminal(store: Store, into: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from_store(store, "models:/iris/1", into)
    assert tuple(capfd.readouterr()) == ("", "")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("models:/iris/9", "model iris has no version 9: its versions are 1, 2"),
        ("models:/iris@best", "model iris has no alias best: its aliases are champion"),
        ("models:/tulip/1", "the registry has no model tulip: it has iris"),
        (f"runs:/{NO_RUN}/model", f"Run with id={NO_RUN} not found"),
        ("runs:/{run_id}/nothing", "Failed to download artifacts from path 'nothing'"),
        (f"models:/m-{NO_RUN}", f"m-{NO_RUN}' not found"),
    ],
)
def test_what_is_not_there_is_not_found_and_leaves_nothing(store: Store, into: Path, uri: str, message: str) -> None:
    with pytest.raises(ModelNotFound, match=message) as caught:
        from_store(store, uri.format(run_id=store.run_id), into)
    assert "\n" not in caught.value.message
    assert not into.exists() or not list(into.iterdir())


def test_a_file_of_a_run_is_no_model(store: Store, into: Path) -> None:
    with pytest.raises(MalformedRequest, match="is a file and no model"):
        from_store(store, f"runs:/{store.run_id}/notes.txt", into)


def test_without_a_store_the_variable_is_asked_for(into: Path) -> None:
    with pytest.raises(MalformedRequest, match="set MLFLOW_TRACKING_URI"):
        resolve("models:/iris/1", into, base=into.parent)


@pytest.mark.parametrize("scheme", ["sqlite:///", "file://", ""])
def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, into: Path, scheme: str) -> None:
    with pytest.raises(MalformedRequest, match="there is no MLflow store at"):
        download(RegisteredModel("iris", version="1"), f"{scheme}{tmp_path}/typo", into)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_down_can_be_tried_again(into: Path) -> None:
    with pytest.raises(StorageUnavailable, match="does not answer: is it running") as caught:
        download(RegisteredModel("iris", version="1"), f"http://ada:secret@127.0.0.1:{free_port()}", into)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (401, StorageRefused, "set MLFLOW_TRACKING_TOKEN"),
        (403, StorageRefused, "set MLFLOW_TRACKING_TOKEN"),
        (404, MalformedRequest, "is no MLflow server"),
    ],
)
def test_a_server_that_refuses_says_why(
    answering: str, into: Path, status: int, kind: type[SlipwayError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        download(RegisteredModel(str(status), version="1"), answering, into)


class _Refuses(BaseHTTPRequestHandler):
    """With the status that the model is named after."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.partition("name=")[2][:3]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass


@pytest.fixture(scope="module")
def answering() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
