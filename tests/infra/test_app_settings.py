"""The app settings of the templates are the fields of Settings, and give the same values where they choose none."""

import json
from typing import Any, Final

from shared.settings import Settings, read_settings, setting_name
from tests.infra.template import INFRA, ROOT, Template

# For local runs alone: a connection string, and an issuer that is refused in Azure.
LOCAL: Final = {"SLIPWAY_DATA", "SLIPWAY_LOCAL_ISSUER"}
# Read by the Functions host, beside the app's own.
OF_THE_HOST: Final = {"SLIPWAY_DATA__credential"}
# What the environment chooses, or what only exists once it is provisioned.
CHOSEN: Final = {
    "SLIPWAY_ACCOUNTS",
    "SLIPWAY_EVENT_GRID_TOPIC",
    "SLIPWAY_PUBLIC_HOSTS",
    "SLIPWAY_CODE_SOURCES",
    "SLIPWAY_TENANT_ID",
    "SLIPWAY_AUDIENCES",
    "SLIPWAY_ALLOWED_CLIENTS",
    "SLIPWAY_REQUIRED_SCOPE",
    "SLIPWAY_BLOB_TRIGGER_SOURCE",
    "SLIPWAY_TICK_SCHEDULE",
    "SLIPWAY_TRACE_RATIO",
}
TEMPLATE: Final = Template(INFRA / "modules" / "app-settings.bicep")


def settings() -> dict[str, Any]:
    return dict(TEMPLATE.variables["ofApp"])


def test_every_field_is_set_and_nothing_else() -> None:
    fields = {setting_name(field) for field in Settings.model_fields}
    assert set(settings()) == (fields - LOCAL) | OF_THE_HOST


def test_what_nobody_chooses_has_its_default() -> None:
    written = {name: value for name, value in settings().items() if name.startswith("SLIPWAY_") and "__" not in name}
    fixed = {name: value for name, value in written.items() if name not in CHOSEN}
    assert fixed
    needed = {"SLIPWAY_DATA": "x", "SLIPWAY_TENANT_ID": "t", "SLIPWAY_AUDIENCES": "a"}
    assert read_settings(needed | fixed) == read_settings(needed)


def test_defaults_of_what_environments_choose_are_those_of_the_app() -> None:
    main = Template(INFRA / "main.bicep")
    fields = Settings.model_fields
    assert main.default("tickSchedule") == fields["tick_schedule"].default
    assert float(main.default("traceRatio")) == fields["trace_ratio"].default


def test_every_connection_is_by_identity() -> None:
    host = TEMPLATE.variables["ofHost"]
    assert set(host) == {
        f"AzureWebJobsStorage__{part}"
        for part in ("blobServiceUri", "queueServiceUri", "tableServiceUri", "credential", "clientId")
    }
    assert host["AzureWebJobsStorage__credential"] == settings()["SLIPWAY_DATA__credential"] == "managedidentity"


def test_the_scheduler_is_the_engines_backend_where_it_is_chosen() -> None:
    durable = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]
    scheduler = Template(INFRA / "modules" / "durable-scheduler.bicep")
    (hub,) = [each for each in scheduler.made if each.kind.endswith("/taskHubs")]
    assert hub.body["name"] == durable["hubName"]
    assert TEMPLATE.variables["durable"] == "AzureFunctionsJobHost__extensions__durableTask__storageProvider"
    chosen = TEMPLATE.variables["ofScheduler"]
    assert {name.rpartition("__")[2].strip("'"): value for name, value in chosen.items() if "__" in name} == {
        "type": "azureManaged",
        "connectionStringName": "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    }
    assert "Authentication=ManagedIdentity" in chosen["DURABLE_TASK_SCHEDULER_CONNECTION_STRING"]
