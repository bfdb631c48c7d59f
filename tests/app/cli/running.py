"""What a command has said and ended with, and what it has left in storage."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from azure.storage.blob import BlobServiceClient

from cli.app import main


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


type Slipway = Callable[..., Ended]


def running(told: pytest.CaptureFixture[bytes]) -> Slipway:
    """Each command in this process; what was told before it is dropped."""

    def run(*arguments: str) -> Ended:
        told.readouterr()
        code = main(arguments)
        said = told.readouterr()
        return Ended(code, said.out.decode(), said.err.decode())

    return run


def package_files(account: BlobServiceClient, name: str) -> dict[str, bytes]:
    """Of all versions of a model, by path."""
    container = account.get_container_client("models")
    if not container.exists():
        return {}
    names = container.list_blob_names(name_starts_with=f"{name}/")
    return {each: container.download_blob(each).readall() for each in names}


def package_etags(account: BlobServiceClient, name: str) -> dict[str, str]:
    found = account.get_container_client("models").list_blobs(name_starts_with=f"{name}/")
    return {each.name: str(each.etag) for each in found}
