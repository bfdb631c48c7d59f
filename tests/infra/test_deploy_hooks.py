"""The hook that runs once the code is there: further regions, and Event Grid."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from tests.infra.conftest import Plant
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
    (made,) = hooks.asked("az", "deployment", "group", "create")
    (given,) = hooks.parameters()
    functions = json.loads((INFRA.parent / "tests" / "contract" / "functions.json").read_text())
    (trigger,) = [name for name, bindings in functions.items() if "blobTrigger" in json.dumps(bindings)]
    webhook = f"https://app.azurewebsites.net/runtime/webhooks/blobs?functionName=Host.Functions.{trigger}&code=the-key"
    assert given == {"topicName": "topic-a", "hostAccountId": "/subscriptions/s/account", "webhook": webhook}
    module = Template(Path(dict(pairwise(made))["--template-file"]))
    assert {name for name in module.parameters if module.default(name) is None} <= set(given) <= set(module.parameters)
    assert dict(pairwise(made))["--parameters"] == "@-"
    assert not [call for call in hooks.asked() if "the-key" in " ".join(call)]


@pytest.mark.parametrize(
    ("was", "becomes", "problem"),
    [
        ("--no-prompt true", "--deadletter-identity systemassigned", "unrecognized arguments: --deadletter-identity"),
        ("az deployment group create", "az deployment groups create", "'deployment groups create ' is misspelled"),
    ],
)
def test_what_az_does_not_have_is_found(hooks: Hooks, plant: Plant, was: str, becomes: str, problem: str) -> None:
    hooks.infra = plant("hooks/subscribe.sh", was, becomes)
    done = hooks.run("postdeploy.sh", **DEPLOYED)
    assert done.returncode != 0
    assert problem in done.stderr


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
    assert [given["topicName"] for given in hooks.parameters()] == ["topic-a", "topic-b"]
    everything = [call for call in hooks.asked("az") if call[1] != "account"]
    assert all(call[call.index("--subscription") + 1] == "s" for call in everything)
