"""The storage accounts of the settings. None is opened before a job needs it."""

from shared.adapters.blobs import BlobStorage
from shared.adapters.connection import connect, open_account
from shared.endpoints.locations import Known, blob_address
from shared.errors import ConfigurationError, LocationNotAllowed, MalformedRequest
from shared.ports import BlobStore
from shared.settings import Settings


class StorageAccounts:
    """Accounts. Raises ConfigurationError for settings that name none. `addresses`: what locations are read with."""

    def __init__(self, settings: Settings) -> None:
        data = connect(settings)
        own = _address(data.url, "SLIPWAY_DATA")
        self._client_id = settings.data_client_id
        self._given = {address: given for given in settings.accounts if (address := _address_of(given)) != own}
        self._stores: dict[str, BlobStore] = {"": BlobStorage(data)}
        self.addresses = Known((own,), tuple(self._given))

    def store(self, account: str) -> BlobStore:
        found = self._stores.get(account)
        if found is None:
            if account not in self._given:
                raise LocationNotAllowed(
                    f"the app does not know the storage account {account}: have it added to SLIPWAY_ACCOUNTS"
                )
            service = open_account(self._given[account], self._client_id)
            # What is missing in other people's accounts is theirs to make.
            found = self._stores.setdefault(account, BlobStorage(service, makes_containers=False))
        return found


def _address_of(given: str) -> str:
    if "=" not in given:
        return _address(given, "SLIPWAY_ACCOUNTS")
    try:
        with open_account(given, "") as service:
            return _address(service.url, "SLIPWAY_ACCOUNTS")
    except ValueError:
        # The SDK's own words may hold what was given, and so a key.
        raise ConfigurationError(
            "the setting SLIPWAY_ACCOUNTS: one of the connection strings cannot be read: copy it again"
        ) from None


def _address(url: str, setting: str) -> str:
    try:
        return blob_address(url.partition("?")[0])  # a connection string can hold a SAS, which comes with the address
    except MalformedRequest as error:
        raise ConfigurationError(f"the setting {setting}: {error.message}") from None
