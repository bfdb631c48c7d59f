"""An endpoint that somebody else changes while a command is on its way to change it."""

from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from cli.client import App
from cli.publishing import flow
from tests.app.cli.running import Ended, Slipway
from tests.app.client import Client

MANAGE = "Endpoint.Manage"


def meanwhile(client: Client, endpoint: str) -> dict[str, int | None]:
    """Takes all traffic away; no model is tried."""
    reply = client.ask("PUT", f"/endpoints/{endpoint}/traffic", MANAGE, json={"traffic": {"blue": 0}})
    assert reply.ok, reply.text
    return {}


def test_what_was_changed_after_the_plan_is_not_published_over_and_a_repeat_goes_on_from_there(
    slipway: Slipway,
    folder: Path,
    published: str,
    client: Client,
    account: BlobServiceClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "model" / "note.txt").write_text("changed")

    def models() -> list[Any]:
        found = account.get_container_client("models").list_blobs(name_starts_with=f"{published}-blue/2/")
        return [(blob.name, blob.etag) for blob in found]

    with monkeypatch.context() as patched:
        patched.setattr(flow, "try_out", lambda *_: meanwhile(client, published))
        told = f"endpoint '{published}' was changed by someone else meanwhile, and stays as it is: run it again"
        assert slipway("publish") == Ended(1, "", f"slipway: {told}\n")
    head = slipway("show", published, "--json").document["head"]
    assert (head["revision"], head["traffic"]) == (1, {"blue": 0})
    uploaded = models()
    assert uploaded
    assert slipway("publish", "--json").document["published"] == 2
    assert models() == uploaded


def test_an_endpoint_that_somebody_else_has_made_meanwhile_is_not_published_over(
    slipway: Slipway, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slipway("init", "--name", endpoint).code == 0
    carry_out = flow.carry_out

    def overtaken(plan: flow.Plan, app: App, *rest: Any) -> dict[str, Any]:
        carry_out(plan._replace(draft=plan.draft.model_copy(update={"traffic": {}})), app, *rest)
        return carry_out(plan, app, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(flow, "carry_out", overtaken)
        assert slipway("publish").err.endswith(
            " was changed by someone else meanwhile, and stays as it is: run it again\n"
        )
    head = slipway("show", endpoint, "--json").document["head"]
    assert (head["revision"], head["traffic"]) == (1, {})


def test_the_revision_before_the_current_one_is_told_by_the_current_one(
    slipway: Slipway, folder: Path, published: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "model" / "note.txt").write_text("changed")
    assert slipway("publish").code == 0
    get = App.get

    def overtaken(app: App, *path: str, **query: str) -> Any:
        found = get(app, *path, **query)
        meanwhile(client, published)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(App, "get", overtaken)
        told = f"endpoint '{published}' was changed by someone else: read it and repeat the change"
        assert slipway("rollback", published) == Ended(1, "", f"slipway: {told}\n")
    assert slipway("show", published, "--json").document["head"]["revision"] == 2
    assert slipway("rollback", published).code == 0
