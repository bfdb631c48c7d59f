"""The storage accounts of the settings: two of Azurite's, those in memory, and addresses that nothing is asked of."""

import base64
from collections.abc import Iterator

import pytest

from devhost.azurite import Azurite
from shared.adapters.accounts import StorageAccounts
from shared.adapters.memory import MemoryAccounts, MemoryBlobs
from shared.batch.ports import Accounts
from shared.endpoints.locations import Known, parse
from shared.errors import ConfigurationError, LocationNotAllowed
from shared.ports import Blob
from shared.settings import Settings

KEY = base64.b64encode(b"partner's key").decode()
DATA = "https://data.blob.core.windows.net"


def settings(**given: object) -> Settings:
    return Settings.model_validate({"tenant_id": "tenant", "audiences": ("audience",), **given})


def in_azure(**given: object) -> Settings:
    uris = {"data_blob_service_uri": f"{DATA}/", "data_queue_service_uri": "https://data.queue.core.windows.net"}
    return settings(**uris, **given)


@pytest.fixture(scope="module")
def two_accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("two-accounts")
    emulator = Azurite(folder / "data", folder / "log.txt", extra_accounts=("partner",))
    emulator.start()
    try:
        yield settings(data=emulator.connection_string, accounts=(emulator.connection_string_of("partner"),))
    finally:
        emulator.stop()


@pytest.fixture(params=["memory", "azurite"])
def accounts(request: pytest.FixtureRequest) -> Accounts:
    if request.param == "memory":
        return MemoryAccounts(MemoryBlobs(), {"https://partner.blob.core.windows.net": MemoryBlobs()})
    return StorageAccounts(request.getfixturevalue("two_accounts"))


def partner_of(accounts: Accounts) -> str:
    assert isinstance(accounts, MemoryAccounts | StorageAccounts)
    return accounts.addresses.others[0]


def test_each_account_has_blobs_of_its_own(accounts: Accounts, two_accounts: Settings) -> None:
    partner = partner_of(accounts)
    if isinstance(accounts, StorageAccounts):
        StorageAccounts(settings(data=two_accounts.accounts[0])).store("").write("data", "x", b"made by its owner")
    etag = accounts.store("").write("data", "x", b"ours")
    theirs = accounts.store(partner).write("data", "x", b"theirs")
    assert accounts.store("").read("data", "x") == Blob(b"ours", etag)
    assert accounts.store(partner).read("data", "x") == Blob(b"theirs", theirs)


def test_an_account_is_found_by_the_address_that_a_location_names(accounts: Accounts) -> None:
    assert isinstance(accounts, MemoryAccounts | StorageAccounts)
    partner = partner_of(accounts)
    place = parse(f"{partner}/data/x", accounts.addresses)
    assert accounts.store(place.account) is accounts.store(partner)
    own = parse(f"{accounts.addresses.own[0]}/data/x", accounts.addresses)
    assert accounts.store(own.account) is accounts.store("")


@pytest.mark.parametrize("account", [DATA, "https://stranger.blob.core.windows.net", "http://169.254.169.254", "x"])
def test_an_account_that_is_not_known_is_not_opened(accounts: Accounts, account: str) -> None:
    with pytest.raises(LocationNotAllowed, match="does not know the storage account"):
        accounts.store(account)


def test_a_container_that_is_missing_in_another_account_is_not_made(two_accounts: Settings) -> None:
    accounts = StorageAccounts(two_accounts)
    partner = accounts.store(accounts.addresses.others[0])
    with pytest.raises(LocationNotAllowed, match="there is no container 'missing' in that account: create it"):
        partner.write("missing", "x", b"x")
    with pytest.raises(LocationNotAllowed, match="there is no container 'missing'"):
        partner.write_blocks("missing", "x", [b"x"])
    assert partner.read("missing", "x") is None
    assert list(partner.list("missing")) == []


def test_accounts_are_known_by_one_address() -> None:
    sas = "BlobEndpoint=https://signed.blob.core.windows.net/;SharedAccessSignature=sv=2024&sig=secret"
    key = f"DefaultEndpointsProtocol=https;AccountName=keyed;AccountKey={KEY};EndpointSuffix=core.windows.net"
    accounts = StorageAccounts(in_azure(accounts=("https://Partner.blob.core.windows.net:443/", sas, key)))
    assert accounts.addresses == Known(
        (DATA,),
        (
            "https://partner.blob.core.windows.net",
            "https://signed.blob.core.windows.net",
            "https://keyed.blob.core.windows.net",
        ),
    )
    for address in accounts.addresses.others:
        assert accounts.store(address) is accounts.store(address)


def test_the_data_account_is_not_another_account_too() -> None:
    """Else its own containers could be reached as those of others."""
    accounts = StorageAccounts(
        in_azure(accounts=("https://DATA.blob.core.windows.net", "https://p.blob.core.windows.net"))
    )
    assert accounts.addresses == Known((DATA,), ("https://p.blob.core.windows.net",))
    with pytest.raises(LocationNotAllowed):
        accounts.store(DATA)


def test_settings_that_name_no_account_are_told_without_what_they_hold() -> None:
    with pytest.raises(ConfigurationError) as caught:
        StorageAccounts(in_azure(accounts=("AccountName=x;AccountKey",)))
    assert caught.value.message == (
        "the setting SLIPWAY_ACCOUNTS: one of the connection strings cannot be read: copy it again"
    )
    with pytest.raises(ConfigurationError, match="the setting SLIPWAY_ACCOUNTS: this names no host"):
        StorageAccounts(in_azure(accounts=("https://-x",)))
