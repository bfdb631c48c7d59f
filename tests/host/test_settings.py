"""local.settings.json and host.json."""

import json
from pathlib import Path

import pytest

from devhost.azurite import Ports, connection_string
from devhost.errors import HostError
from devhost.functions import parse_function
from devhost.host_json import read_host_json
from devhost.settings import apply_settings, read_local_settings, resolve
from devhost.storage import Storage


def test_the_environment_wins_over_the_file() -> None:
    environ = {"BOTH": "environment"}
    apply_settings({"BOTH": "file", "ONE": "file"}, environ)
    assert environ == {"BOTH": "environment", "ONE": "file"}


def test_local_settings_name_the_port(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"Values": {"A": "1"}, "Host": {"LocalHttpPort": 7099}}')
    local = read_local_settings(tmp_path)
    assert (local.values, local.port) == ({"A": "1"}, 7099)


def test_an_app_needs_no_local_settings(tmp_path: Path) -> None:
    assert read_local_settings(tmp_path).values == {}


def test_encrypted_settings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"IsEncrypted": true, "Values": {}}')
    with pytest.raises(HostError, match="is encrypted"):
        read_local_settings(tmp_path)


def test_every_reference_in_a_binding_is_replaced() -> None:
    assert resolve("%A%/x/%B%", "f", {"A": "1", "B": "2"}) == "1/x/2"
    with pytest.raises(HostError, match="f: the setting 'C' is missing"):
        resolve("%C%", "f", {})


def test_host_json_has_the_real_hosts_defaults(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    config = read_host_json(tmp_path, {})
    assert config.route_prefix == "api"
    assert (config.max_concurrent_requests, config.max_outstanding_requests) == (None, None)
    assert (config.blob_max_parallelism, config.blob_max_tries) == (8, 5)
    assert (config.queue_max_tries, config.queue_base64) == (5, True)


def test_the_environment_overrides_host_json(tmp_path: Path) -> None:
    extensions = {
        "http": {"routePrefix": "", "maxConcurrentRequests": 3},
        "durableTask": {"hubName": "FromFile", "maxConcurrentActivityFunctions": 2},
    }
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", "extensions": extensions}))
    environ = {
        "AzureFunctionsJobHost__extensions__durableTask__hubName": "FromSetting",
        "AzureFunctionsJobHost__Extensions__DurableTask__MaxConcurrentActivityFunctions": "7",
        "AzureFunctionsJobHost__extensions__blobs__poisonBlobThreshold": "2",
        "AzureFunctionsJobHost__extensions__http__maxOutstandingRequests": "-1",
    }
    config = read_host_json(tmp_path, environ)
    assert (config.route_prefix, config.max_concurrent_requests) == ("", 3)
    assert (config.task_hub, config.max_concurrent_activities) == ("FromSetting", 7)
    assert (config.blob_max_tries, config.max_outstanding_requests) == (2, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "host.json is missing in "),
        ("{", "host.json cannot be read"),
        ("[]", 'must be an object with "version": "2.0"'),
        ("{}", 'must be an object with "version": "2.0"'),
    ],
)
def test_a_host_json_that_is_none_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "host.json").write_text(content)
    with pytest.raises(HostError, match=message):
        read_host_json(tmp_path, {})


def test_an_override_of_the_wrong_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    with pytest.raises(HostError, match="maxOutstandingRequests must be a whole number, not 'many'"):
        read_host_json(tmp_path, {"AzureFunctionsJobHost__extensions__http__maxOutstandingRequests": "many"})


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "function 'f': the connection setting 'MyStore' is missing"),
        ({"MyStore": "none"}, "the setting 'MyStore' is no storage connection string"),
    ],
)
def test_a_connection_that_is_not_there_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(HostError, match=message):
        Storage(environ).blobs("MyStore", "function 'f'")


@pytest.mark.parametrize("name", ["MyStore", "AzureWebJobsMyStore"])
def test_a_connection_is_found_with_and_without_its_prefix(name: str) -> None:
    storage = Storage({name: connection_string(Ports(1, 2, 3))})
    assert storage.blobs("MyStore").primary_endpoint.startswith("http://127.0.0.1:1/devstoreaccount1")
    assert storage.queues("MyStore").primary_endpoint.startswith("http://127.0.0.1:2/devstoreaccount1")
    storage.close()


def test_a_binding_that_this_host_does_not_have_is_refused() -> None:
    with pytest.raises(HostError, match="function 'f': this host has no binding of type 'cosmosDBTrigger'"):
        parse_function("f", "f", ['{"type": "cosmosDBTrigger", "name": "d", "direction": "IN"}'])


@pytest.mark.parametrize(
    ("extensions", "message"),
    [
        ({"http": {"routePrefix": 1}}, "routePrefix must be a string"),
        ({"http": 1}, "is not where it should be"),
        ({"blobs": {"maxDegreeOfParallelism": 0}}, "must be 1 or more, not 0"),
        ({"queues": {"messageEncoding": "gzip"}}, "must be base64 or none"),
        ({"queues": {"visibilityTimeout": "soon"}}, "must be hh:mm:ss"),
    ],
)
def test_a_wrong_value_in_host_json_is_named(tmp_path: Path, extensions: dict[str, object], message: str) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", "extensions": extensions}))
    with pytest.raises(HostError, match=message):
        read_host_json(tmp_path, {})
