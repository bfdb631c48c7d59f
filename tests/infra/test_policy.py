"""What every resource of a kind has to say of itself, whoever adds one."""

import re
from pathlib import Path
from typing import Any, Final

import pytest

from shared.ports import Container
from shared.settings import AZURE_MARKERS, STORAGE_QUEUE
from shared.triggers.intake import INBOX_QUEUE
from tests.infra.conftest import Plant
from tests.infra.template import INFRA, Resource, Template, alternatives, read_all

# By kind, then by the property's path: the value, or all values that a condition chooses from.
POLICY: Final[dict[str, dict[str, set[object]]]] = {
    "Microsoft.Storage/storageAccounts": {
        "allowSharedKeyAccess": {False},
        "allowBlobPublicAccess": {False},
        "allowCrossTenantReplication": {False},
        "defaultToOAuthAuthentication": {True},
        "minimumTlsVersion": {"TLS1_2"},
        "supportsHttpsTrafficOnly": {True},
        "publicNetworkAccess": {"Disabled", "Enabled"},
        "networkAcls.bypass": {"AzureServices"},
        "networkAcls.defaultAction": {"Deny", "Allow"},
    },
    "Microsoft.Storage/storageAccounts/blobServices": {
        "deleteRetentionPolicy.enabled": {True},
        "containerDeleteRetentionPolicy.enabled": {True},
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {"publicAccess": {"None"}},
    "Microsoft.KeyVault/vaults": {
        "enableRbacAuthorization": {True},
        "enablePurgeProtection": {True},
        "enableSoftDelete": {True},
        "publicNetworkAccess": {"Disabled", "Enabled"},
        "networkAcls.defaultAction": {"Deny", "Allow"},
    },
    "Microsoft.Insights/components": {"DisableLocalAuth": {True}, "IngestionMode": {"LogAnalytics"}},
    "Microsoft.OperationalInsights/workspaces": {"features.disableLocalAuth": {True}},
    "Microsoft.Web/sites": {
        "httpsOnly": {True},
        "publicNetworkAccess": {"Disabled", "Enabled"},
        "siteConfig.ftpsState": {"Disabled"},
        "siteConfig.minTlsVersion": {"1.2"},
        "siteConfig.scmMinTlsVersion": {"1.2"},
        "siteConfig.remoteDebuggingEnabled": {False},
        "functionAppConfig.deployment.storage.authentication.type": {"UserAssignedIdentity"},
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"allow": {False}},
    "Microsoft.MachineLearningServices/workspaces": {
        "systemDatastoresAuthMode": {"Identity"},
        "publicNetworkAccess": {"Disabled", "Enabled"},
    },
    "Microsoft.MachineLearningServices/workspaces/onlineEndpoints": {
        "authMode": {"AADToken"},
        "publicNetworkAccess": {"Disabled", "Enabled"},
    },
    "Microsoft.MachineLearningServices/workspaces/batchEndpoints": {"authMode": {"AADToken"}},
    "Microsoft.MachineLearningServices/workspaces/computes": {"disableLocalAuth": {True}},
}
# What logs, and so has to send it to the workspace: by kind, the file's own diagnostic setting is looked for.
LOGGING: Final = {
    "Microsoft.Cdn/profiles",
    "Microsoft.EventGrid/systemTopics",
    "Microsoft.KeyVault/vaults",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/queueServices",
    "Microsoft.Storage/storageAccounts/tableServices",
    "Microsoft.Web/sites",
}
# Writes a resource that another file makes once more.
SECOND_WRITE: Final = "online-traffic.bicep"
# What would carry a key: functions that list keys, and the parts of connection strings.
_SECRETS: Final = re.compile(r"\blist[A-Z]\w*\(|AccountKey|SharedAccess(Key|Signature)|sig=", re.IGNORECASE)


def problems(infra: Path = INFRA) -> list[str]:
    """One line for each resource that is more open than it may be, or tells nobody what happens to it."""
    found = []
    for template in read_all(infra):
        name = template.path.name
        watched = {
            str(each.body.get("scope"))
            for each in template.made
            if each.kind == "Microsoft.Insights/diagnosticSettings"
        }
        for resource in template.made:
            found += [f"{name}: {resource.symbol}: {problem}" for problem in _open(resource)]
            if resource.kind in LOGGING and resource.symbol not in watched and name != SECOND_WRITE:
                found.append(f"{name}: {resource.symbol} has no diagnostic setting")
        found += [f"{name}: '{match[0]}' is a secret" for match in _SECRETS.finditer(template.text)]
    return found


def _open(resource: Resource) -> list[str]:
    found = []
    for path, expected in POLICY.get(resource.kind, {}).items():
        value: Any = resource.properties
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if alternatives(value) != expected:
            found.append(f"{path} is {value}")
    return found


def test_nothing_is_more_open_than_it_may_be() -> None:
    assert problems() == []


def test_every_kind_of_the_policy_is_there() -> None:
    made = {resource.kind for template in read_all() for resource in template.made}
    assert (POLICY.keys() | LOGGING) - made == set()


@pytest.mark.parametrize(
    ("file", "was", "becomes", "problem"),
    [
        ("storage-account", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", "allowSharedKeyAccess"),
        ("storage-account", "    minimumTlsVersion: 'TLS1_2'\n", "", "minimumTlsVersion"),
        ("storage-account", "privateNetwork ? 'Disabled' : 'Enabled'", "'Enabled'", "publicNetworkAccess"),
        ("storage-account", "publicAccess: 'None'", "publicAccess: 'Blob'", "publicAccess"),
        ("key-vault", "enablePurgeProtection: true", "enablePurgeProtection: false", "enablePurgeProtection"),
        ("monitoring", "DisableLocalAuth: true", "DisableLocalAuth: false", "DisableLocalAuth"),
        ("monitoring", "disableLocalAuth: true", "disableLocalAuth: false", "features.disableLocalAuth"),
        ("function-app", "httpsOnly: true", "httpsOnly: false", "httpsOnly"),
        ("function-app", "allow: false", "allow: true", "allow"),
        ("online-endpoint", "'AADToken'", "'Key'", "authMode"),
        ("event-topic", "scope: topic", "scope: source", "topic has no diagnostic setting"),
        ("app-settings", "Endpoint=${schedulerAddress}", "AccountKey=x;${schedulerAddress}", "is a secret"),
        (
            "storage-account",
            "output id string = account.id",
            "output id string = account.listKeys().keys[0].value",
            "is a secret",
        ),
    ],
)
def test_what_is_more_open_is_found(plant: Plant, file: str, was: str, becomes: str, problem: str) -> None:
    assert any(problem in each for each in problems(plant(f"modules/{file}.bicep", was, becomes)))


def _stamp_account(symbol: str) -> dict[str, Any]:
    (stamp,) = [template for template in read_all() if template.path.name == "stamp.bicep"]
    (found,) = [module.body["params"] for module in stamp.modules if module.symbol == symbol]
    return dict(found)


def test_the_data_account_has_the_containers_and_queues_of_the_app() -> None:
    account = _stamp_account("dataAccount")
    assert account["containers"] == [container.value for container in Container]
    # The second is written by shared/adapters/announcements.py.
    assert account["queues"] == [INBOX_QUEUE, "job-events"]


def test_event_grid_tells_the_trigger_that_the_settings_choose() -> None:
    (subscription,) = [
        resource
        for template in read_all()
        for resource in template.made
        if resource.kind == "Microsoft.EventGrid/systemTopics/eventSubscriptions"
    ]
    properties = subscription.properties
    told = Template(INFRA / "modules" / "inbox-subscription.bicep")
    assert told.variables["byQueue"]["destination"]["properties"]["queueName"] == INBOX_QUEUE
    assert alternatives(properties["deliveryWithResourceIdentity"]) == {"byQueue", None}
    assert alternatives(properties["destination"]) == {"byWebhook", None}
    # The key would stay readable in the history of deployments.
    assert {"type": "secure"} in told.parameters["webhook"]["decorators"]
    assert properties["filter"]["subjectBeginsWith"] == f"/blobServices/default/containers/{Container.INBOX}/"
    assert properties["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    (whole,) = properties["filter"]["advancedFilters"]
    assert (whole["key"], whole["values"]) == ("data.api", ["CopyBlob", "FlushWithClose", "PutBlob", "PutBlockList"])


def test_what_is_staged_and_jobs_are_forgotten_and_nothing_else() -> None:
    (lifecycle,) = [template for template in read_all() if template.path.name == "lifecycle.bicep"]
    prefixes = [rule["prefix"] for rule in lifecycle.variables["rules"]]
    assert prefixes == [f"{Container.STAGING}/", f"{Container.JOBS}/", f"{Container.CAPTURE}/"]


def test_egress_of_azure_mls_deployments_is_the_managed_networks() -> None:
    # A deployment that says something of its own is refused in a workspace with a managed network.
    endpoint = Template(INFRA / "modules" / "online-endpoint.bicep")
    (deployment,) = [each for each in endpoint.made if each.kind.endswith("onlineEndpoints/deployments")]
    assert "egressPublicNetworkAccess" not in deployment.properties
    workspace = Template(INFRA / "modules" / "azure-ml-workspace.bicep").made[0]
    assert alternatives(workspace.properties["managedNetwork"]["isolationMode"]) == {
        "AllowInternetOutbound",
        "Disabled",
    }


def test_azure_is_recognized_by_what_functions_sets() -> None:
    # The app refuses a local issuer there; nothing of this is set by the templates.
    settings = (INFRA / "modules" / "app-settings.bicep").read_text()
    assert "SLIPWAY_LOCAL_ISSUER" not in settings
    assert not any(marker in settings for marker in AZURE_MARKERS)
    assert f"'{STORAGE_QUEUE}'" in settings
