"""The hook that runs once the code is there: further regions, and Event Grid."""

import json
from itertools import pairwise
from pathlib import Path

from tests.infra.hooks import Hooks
from tests.infra.template import INFRA, Template

DEPLOYED = {
    "AZURE_RESOURCE_GROUP": "rg",
    "SLIPWAY_APPS": '["func-a"]',
    "SLIPWAY_TOPICS": '["topic-a"]',
    "SLIPWAY_HOST_ACCOUNTS": '["host-a"]',
}


def test_event_grid_tells_the_blob_trigger_once_its_key_is_there(hooks: Hooks) -> None:
    done = hooks.run("postdeploy.sh", **DEPLOYED, KEY_AFTER="3")
    assert done.returncode == 0, done.stderr
    assert len(hooks.asked("az", "functionapp", "keys", "list")) == 4
    (made,) = hooks.asked("az", "eventgrid", "system-topic", "event-subscription", "create")
    told = dict(pairwise(made))
    functions = json.loads((INFRA.parent / "tests" / "contract" / "functions.json").read_text())
    (trigger,) = [name for name, bindings in functions.items() if "blobTrigger" in json.dumps(bindings)]
    webhook = f"https://app.azurewebsites.net/runtime/webhooks/blobs?functionName=Host.Functions.{trigger}&code=the-key"
    assert told["--endpoint"] == webhook
    assert told["--system-topic-name"] == "topic-a"
    assert (
        told["--deadletter-identity-endpoint"] == "/subscriptions/s/account/blobServices/default/containers/undelivered"
    )
    (queue,) = [
        each.properties for each in Template(INFRA / "modules" / "inbox-subscription.bicep").made
    ]  # both ways let the same events through
    assert told["--subject-begins-with"] == queue["filter"]["subjectBeginsWith"]
    assert told["--included-event-types"] == queue["filter"]["includedEventTypes"][0]
    assert told["--max-delivery-attempts"] == str(queue["retryPolicy"]["maxDeliveryAttempts"])
    assert told["--event-ttl"] == str(queue["retryPolicy"]["eventTimeToLiveInMinutes"])
    calls = made[made.index("--advanced-filter") + 1 :]
    assert calls[:6] == ["data.api", "StringIn", *queue["filter"]["advancedFilters"][0]["values"]]


def test_a_key_that_never_comes_is_told(hooks: Hooks) -> None:
    done = hooks.run("postdeploy.sh", **DEPLOYED, KEY_AFTER="1000")
    assert done.returncode == 1
    assert "func-a has no key for the blob trigger" in done.stderr
    assert done.stderr.endswith("no such group\n")


def test_in_a_private_network_nothing_is_pushed(hooks: Hooks) -> None:
    assert hooks.run("postdeploy.sh", **DEPLOYED, SLIPWAY_PRIVATE_NETWORK="true").returncode == 0
    assert hooks.asked() == []


def test_further_regions_get_the_code_and_a_subscription_of_their_own(hooks: Hooks, tmp_path: Path) -> None:
    regions = {
        "SLIPWAY_APPS": '["func-a","func-b"]',
        "SLIPWAY_TOPICS": '["topic-a", "topic-b"]',
        "SLIPWAY_HOST_ACCOUNTS": '["host-a","host-b"]',
    }
    done = hooks.run("postdeploy.sh", **DEPLOYED | regions, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    (deployed,) = hooks.asked("az", "functionapp", "deployment", "source", "config-zip")
    assert "func-b" in deployed
    made = hooks.asked("az", "eventgrid", "system-topic", "event-subscription", "create")
    assert [call[call.index("--system-topic-name") + 1] for call in made] == ["topic-a", "topic-b"]
    everything = [call for call in hooks.asked("az") if call[1] != "account"]
    assert all(call[call.index("--subscription") + 1] == "s" for call in everything)
