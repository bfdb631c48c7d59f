"""What the environment may say of requests to storage, and what it may not."""

from pathlib import Path

import pytest

from shared.adapters.blobs import BlobStorage
from shared.adapters.connection import _surroundings, connect
from shared.ports import Container
from shared.settings import Settings


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_followed(name: str) -> None:
    assert _surroundings({name: "http://proxy.example"})["use_env_settings"] is True
    assert _surroundings({"NO_PROXY": "*"})["use_env_settings"] is False


def test_authorities_of_the_environment_are_trusted() -> None:
    both = {"REQUESTS_CA_BUNDLE": "/a.pem", "CURL_CA_BUNDLE": "/b.pem"}
    assert _surroundings(both)["connection_verify"] == "/a.pem"
    assert _surroundings({"CURL_CA_BUNDLE": "/b.pem"})["connection_verify"] == "/b.pem"
    assert _surroundings({})["connection_verify"] is True


def test_a_password_in_netrc_takes_no_keys_place(azurite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password other")
    monkeypatch.setenv("NETRC", str(netrc))
    with connect(Settings(data=azurite, tenant_id="tenant", audiences=("audience",))) as service:
        BlobStorage(service).write(Container.INBOX, "a", b"data")
