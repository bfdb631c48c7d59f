import json

import pytest
from pydantic import ValidationError

from shared.errors import ConfigurationError
from shared.settings import (
    AZURE_MARKERS,
    DEFAULT_TICK_SCHEDULE,
    Settings,
    TriggerSettings,
    read_settings,
    read_trigger_settings,
    setting_name,
)

LOCAL = {
    "SLIPWAY_DATA": "UseDevelopmentStorage=true",
    "SLIPWAY_TENANT_ID": "11111111-aaaa-4aaa-8aaa-111111111111",
    "SLIPWAY_AUDIENCES": "api://slipway",
}
ISSUER = "http://127.0.0.1:7072"


def problem(**changes: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(LOCAL | changes)
    return caught.value.message


def test_what_is_not_set_has_its_default() -> None:
    settings = read_settings(LOCAL)
    assert settings.data == "UseDevelopmentStorage=true"
    assert settings.audiences == ("api://slipway",)
    assert settings.allowed_clients == ()
    assert settings.required_scope == "user_impersonation"
    assert settings.local_issuer == ""
    assert settings.tick_schedule == DEFAULT_TICK_SCHEDULE
    assert settings.blob_trigger_source == "LogsAndContainerScan"


def test_lists_are_comma_separated() -> None:
    settings = read_settings(LOCAL | {"SLIPWAY_AUDIENCES": " api://a , b,,", "SLIPWAY_ALLOWED_CLIENTS": "c,d"})
    assert settings.audiences == ("api://a", "b")
    assert settings.allowed_clients == ("c", "d")
    assert Settings(data="d", tenant_id="t", audiences=("a", "b")).audiences == ("a", "b")


def test_an_empty_setting_is_one_that_is_not_set() -> None:
    assert read_settings(LOCAL | {"SLIPWAY_MAX_BODY_BYTES": ""}) == read_settings(LOCAL)


def test_what_is_not_a_setting_is_left_alone() -> None:
    assert read_settings(LOCAL | {"PATH": "/bin", "SLIPWAY_OTHER": "x"}) == read_settings(LOCAL)


@pytest.mark.parametrize("name", ["SLIPWAY_TENANT_ID", "SLIPWAY_AUDIENCES"])
def test_a_missing_setting_is_named(name: str) -> None:
    assert problem(**{name: ""}) == f"the setting {name} is missing"


def test_every_problem_is_told_at_once() -> None:
    told = problem(SLIPWAY_TENANT_ID="", SLIPWAY_ONNX_THREADS="many", SLIPWAY_AUDIENCES=",").split("; ")
    assert [line.split(":")[0].removesuffix(" is missing") for line in told] == [
        "the setting SLIPWAY_TENANT_ID",
        "the setting SLIPWAY_AUDIENCES",
        "the setting SLIPWAY_ONNX_THREADS",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLIPWAY_MAX_BODY_BYTES", "0"),
        ("SLIPWAY_MAX_INPUT_BYTES", "-1"),
        ("SLIPWAY_ENDPOINT_REFRESH_S", "0"),
        ("SLIPWAY_ENDPOINT_REFRESH_S", "5.1"),
        ("SLIPWAY_HEARTBEAT_TIMEOUT_S", "0"),
        ("SLIPWAY_ONNX_THREADS", "0"),
        ("SLIPWAY_METRICS_INTERVAL_S", "0"),
        ("SLIPWAY_TRACE_RATIO", "1.1"),
        ("SLIPWAY_TRACE_RATIO", "-0.1"),
        ("SLIPWAY_BLOB_TRIGGER_SOURCE", "Polling"),
    ],
)
def test_a_value_out_of_bounds_is_told_with_its_name(name: str, value: str) -> None:
    assert problem(**{name: value}).startswith(f"the setting {name}: ")


def test_there_is_one_way_to_storage_at_least() -> None:
    assert problem(SLIPWAY_DATA="") == "set SLIPWAY_DATA (local) or SLIPWAY_DATA__blobServiceUri (Azure)"


def test_blobs_and_queues_are_reached_alike() -> None:
    told = problem(SLIPWAY_DATA="", SLIPWAY_DATA__blobServiceUri="https://data.blob.core.windows.net")
    assert told == "set SLIPWAY_DATA__queueServiceUri beside SLIPWAY_DATA__blobServiceUri"


PARTNER = "DefaultEndpointsProtocol=https;AccountName=partner;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"


def test_further_accounts_are_addresses_or_connection_strings() -> None:
    given = ("https://a.blob.core.windows.net", "https://b.blob.core.windows.net/", "https://c.example:8443", PARTNER)
    assert read_settings(LOCAL | {"SLIPWAY_ACCOUNTS": ", ".join(given)}).accounts == given
    assert read_settings(LOCAL).accounts == ()


@pytest.mark.parametrize("wrong", ["partner", "http://a.blob.core.windows.net", "https://a/b", "https://a?sig=secret"])
def test_what_is_no_account_is_refused_and_not_repeated(wrong: str) -> None:
    told = problem(SLIPWAY_ACCOUNTS=f"{PARTNER},{wrong}")
    assert told.startswith("the setting SLIPWAY_ACCOUNTS: each is a blob address")
    assert "c2VjcmV0" not in told
    assert "secret" not in told


def test_an_event_grid_topic_is_reached_by_https() -> None:
    topic = "https://topic.westeurope-1.eventgrid.azure.net/api/events"
    assert read_settings(LOCAL | {"SLIPWAY_EVENT_GRID_TOPIC": topic}).event_grid_topic == topic
    assert problem(SLIPWAY_EVENT_GRID_TOPIC="http://topic").startswith("the setting SLIPWAY_EVENT_GRID_TOPIC: ")


def test_an_identity_based_connection_is_spelled_as_the_host_asks() -> None:
    given = {
        "SLIPWAY_DATA__blobServiceUri": "https://data.blob.core.windows.net",
        "SLIPWAY_DATA__queueServiceUri": "https://data.queue.core.windows.net",
        "SLIPWAY_DATA__clientId": "id",
    }
    settings = read_settings(LOCAL | {"SLIPWAY_DATA": ""} | given)
    assert settings.data_blob_service_uri == "https://data.blob.core.windows.net"
    assert settings.data_queue_service_uri == "https://data.queue.core.windows.net"
    assert settings.data_client_id == "id"
    assert setting_name("data_client_id") == "SLIPWAY_DATA__clientId"
    assert setting_name("tenant_id") == "SLIPWAY_TENANT_ID"


def test_application_insights_is_spelled_as_the_host_asks() -> None:
    given = {"APPLICATIONINSIGHTS_CONNECTION_STRING": "a", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "b"}
    settings = read_settings(LOCAL | given)
    assert settings.applicationinsights_connection_string == "a"
    assert settings.applicationinsights_authentication_string == "b"


def test_a_secret_is_not_in_what_is_told() -> None:
    assert "AccountKey" not in problem(SLIPWAY_DATA="AccountKey=abc", SLIPWAY_TENANT_ID="", SLIPWAY_ONNX_THREADS="x")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings(LOCAL).local_issuer = ISSUER  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Settings.model_validate(json.loads('{"data": "d", "tenant_id": "t", "audiences": "a", "unknown": 1}'))


@pytest.mark.parametrize("address", [ISSUER, "http://localhost:7072", "http://[::1]:7072"])
def test_a_local_issuer_on_loopback_is_taken_outside_azure(address: str) -> None:
    assert read_settings(LOCAL | {"SLIPWAY_LOCAL_ISSUER": address}).local_issuer == address


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:7072",
        "http://10.0.0.4:7072",
        "http://0.0.0.0:7072",
        "http://example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "ftp://127.0.0.1",
        "127.0.0.1:7072",
        "/path",
    ],
)
def test_a_local_issuer_off_loopback_is_refused(address: str) -> None:
    assert "must be an http address on loopback" in problem(SLIPWAY_LOCAL_ISSUER=address)


@pytest.mark.parametrize("marker", AZURE_MARKERS)
def test_a_local_issuer_is_refused_where_anything_says_azure(marker: str) -> None:
    told = problem(**{"SLIPWAY_LOCAL_ISSUER": ISSUER, marker: "x"})
    assert told == f"SLIPWAY_LOCAL_ISSUER is set, but {marker} says that this is Azure: remove SLIPWAY_LOCAL_ISSUER"
    assert read_settings(LOCAL | {marker: "x"}).local_issuer == ""


def test_the_markers_cover_functions_container_apps_and_managed_identity() -> None:
    """https://learn.microsoft.com/azure/app-service/reference-app-settings and, for Container Apps, its docs."""
    known = {"WEBSITE_INSTANCE_ID", "WEBSITE_SITE_NAME", "CONTAINER_APP_NAME", "CONTAINER_APP_REVISION"}
    assert known | {"IDENTITY_ENDPOINT", "MSI_ENDPOINT", "LEGION_SERVICE_HOST"} <= set(AZURE_MARKERS)


def test_decorators_read_what_they_need_and_nothing_else() -> None:
    assert read_trigger_settings({}) == TriggerSettings("LogsAndContainerScan", DEFAULT_TICK_SCHEDULE)
    given = {"SLIPWAY_BLOB_TRIGGER_SOURCE": "EventGrid", "SLIPWAY_TICK_SCHEDULE": "0 */5 * * * *"}
    assert read_trigger_settings(given) == TriggerSettings("EventGrid", "0 */5 * * * *")
