"""Azurite: more accounts than one, held up and let go on, and nothing lost by it."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from devhost.azurite import Azurite, connection_string
from devhost.errors import HostError
from devhost.processes import Child


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Azurite]:
    made = Azurite(tmp_path / "data", tmp_path / "log", extra_accounts=("partner",))
    made.start()
    yield made
    made.stop()


def _client(connection: str, read_timeout_s: float = 20.0) -> BlobServiceClient:
    return BlobServiceClient.from_connection_string(connection, read_timeout=read_timeout_s, retry_total=0)


def _write(connection: str, text: str) -> None:
    with _client(connection) as service:
        service.create_container("things")
        service.get_blob_client("things", "note").upload_blob(text)


def _read(connection: str) -> bytes:
    with _client(connection) as service:
        return service.get_blob_client("things", "note").download_blob().readall()


def test_accounts_have_their_own_blobs_and_keys(emulator: Azurite) -> None:
    partner = emulator.connection_string_of("partner")
    _write(emulator.connection_string, "mine")
    with pytest.raises(ResourceNotFoundError):
        _read(partner)
    _write(partner, "theirs")
    assert (_read(emulator.connection_string), _read(partner)) == (b"mine", b"theirs")
    assert emulator.connection_string_of("devstoreaccount1") == emulator.connection_string


def test_an_account_that_was_not_named_is_not_there(emulator: Azurite) -> None:
    with pytest.raises(HostError, match="Azurite has no account 'stranger': name it in extra_accounts"):
        emulator.connection_string_of("stranger")
    with pytest.raises(AzureError):
        _read(connection_string(emulator.ports, "stranger"))


def test_a_paused_azurite_answers_once_it_goes_on(emulator: Azurite) -> None:
    _write(emulator.connection_string, "kept")
    emulator.pause()
    with _client(emulator.connection_string, read_timeout_s=0.5) as service, pytest.raises(AzureError):
        service.get_service_properties()
    emulator.resume()
    assert _read(emulator.connection_string) == b"kept"


def test_a_paused_azurite_ends_in_good_order_and_forgets_nothing(emulator: Azurite) -> None:
    _write(emulator.connection_string, "kept")
    emulator.pause()
    emulator.stop()
    emulator.start()
    assert _read(emulator.connection_string) == b"kept"


def test_what_does_not_run_takes_no_signal(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="Azurite is not running"):
        Azurite(tmp_path, tmp_path / "log").pause()
    child = Child("a child", [sys.executable, "-c", ""], tmp_path / "log", tmp_path)
    with pytest.raises(HostError, match="a child ended with status 0"):
        child.start({}, lambda: False, 10.0)
    with pytest.raises(HostError, match="a child is not running"):
        child.send(signal.SIGUSR1)
