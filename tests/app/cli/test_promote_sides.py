"""Promotions between environments of which one is not there, or does not let in: which one, is told in one line."""

import time
from pathlib import Path

import pytest
import yaml
from azure.storage.blob import BlobServiceClient

from cli import credentials
from tests.app.cli.running import Ended, Slipway
from tests.app.client import Client

PROMOTE = ("--from", "staging", "--to", "prod")


def change(folder: Path, profile: str, **fields: str) -> None:
    path = folder / "slipway.yaml"
    written = yaml.safe_load(path.read_text())
    written["profiles"][profile] |= fields
    path.write_text(yaml.safe_dump(written))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no-such", *PROMOTE), "staging: there is no endpoint 'no-such'"),
        (("any", "--from", "prod", "--to", "prod"), "--from and --to are both prod: name two profiles"),
        (("any", "--from", "dev", "--to", "prod"), "dev: slipway.yaml has no profile 'dev': use one of prod, staging"),
        (("any", "--from", "prod", "--to", "x"), "x: slipway.yaml has no profile 'x': use one of prod, staging"),
    ],
)
def test_what_cannot_be_promoted_ends_in_one_line(
    slipway: Slipway, prod: BlobServiceClient, arguments: tuple[str, ...], message: str
) -> None:
    code = 2 if message.startswith("--") else 1
    assert slipway("promote", *arguments) == Ended(code, "", f"slipway: {message}\n")


@pytest.mark.parametrize("side", ["staging", "prod"])
@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"app_url": "http://127.0.0.1:9"}, 3, "the app at http://127.0.0.1:9 does not answer: is it running?"),
        ({"audience": "api://other"}, 4, ""),
        ({"storage": ""}, 1, "the profile names no storage, where models go: set its storage"),
        ({"storage": "http://127.0.0.1:9/account"}, 3, "storage does not answer: is its address right?"),
    ],
    ids=["app", "audience", "no storage", "storage"],
)
def test_the_side_that_is_not_there_or_does_not_let_in_is_named(
    slipway: Slipway,
    folder: Path,
    prod: BlobServiceClient,
    published: str,
    monkeypatch: pytest.MonkeyPatch,
    side: str,
    fields: dict[str, str],
    code: int,
    message: str,
) -> None:
    monkeypatch.setattr(time, "sleep", lambda s: None)
    monkeypatch.setattr(credentials, "_credential", lambda profile: None)
    change(folder, side, **fields)
    ended = slipway("promote", published, *PROMOTE)
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1), ended.err
    assert ended.err.startswith(f"slipway: {side}: {message}")


@pytest.mark.parametrize("side", ["staging", "prod"])
def test_storage_that_does_not_let_in_is_named(
    slipway: Slipway, folder: Path, prod: BlobServiceClient, published: str, side: str
) -> None:
    path = folder / "slipway.yaml"
    storage = yaml.safe_load(path.read_text())["profiles"][side]["storage"]
    key = next(part for part in storage.split(";") if part.startswith("AccountKey="))
    change(folder, side, storage=storage.replace(key, "AccountKey=bm9uZQ=="))
    told = (
        "storage does not let you in: you need the role Slipway Publisher, or Storage Blob Data Contributor, on its "
        "container models"
    )
    assert slipway("promote", published, *PROMOTE) == Ended(4, "", f"slipway: {side}: {told}\n")


def test_who_may_only_read_the_target_changes_nothing_there(
    slipway: Slipway, prod: BlobServiceClient, published: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(credentials.TOKEN_VARIABLE, client.token("Endpoint.Read"))
    ended = slipway("promote", published, *PROMOTE)
    assert (ended.code, ended.err.count("\n")) == (4, 1)
    assert ended.err.startswith("slipway: prod: ")
    assert slipway("show", published, "-p", "prod").code == 1
