"""The app's settings: what each one means, its default, and one clear line for each that is missing or wrong."""

import re
from collections.abc import Mapping
from typing import Annotated, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from shared.errors import ConfigurationError

DATA_CONNECTION = "SLIPWAY_DATA"
DEFAULT_TICK_SCHEDULE = "0 * * * * *"

# Any of these means that the process runs in Azure, where the local issuer is never believed.
AZURE_MARKERS = (
    "WEBSITE_INSTANCE_ID",
    "WEBSITE_SITE_NAME",
    "WEBSITE_OWNER_NAME",
    "WEBSITE_HOME_STAMPNAME",
    "WEBSITE_POD_NAME",
    "LEGION_SERVICE_HOST",
    "CONTAINER_APP_NAME",
    "CONTAINER_APP_REVISION",
    "IDENTITY_ENDPOINT",
    "MSI_ENDPOINT",
)
STORAGE_QUEUE = "StorageQueue"
BLOB_TRIGGER_SOURCES = ("LogsAndContainerScan", "EventGrid", STORAGE_QUEUE)
_ACCOUNT = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?/?|.*(AccountName|BlobEndpoint)=.*", re.ASCII)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


type Listed = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Settings(BaseModel):
    """Field names are the app settings' names in lower case, without the prefix SLIPWAY_."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str = Field(
        default="",
        description="Connection string of the data account (local runs). In Azure leave it out and set "
        "SLIPWAY_DATA__blobServiceUri, SLIPWAY_DATA__queueServiceUri, SLIPWAY_DATA__credential and "
        "SLIPWAY_DATA__clientId instead: the app and its blob trigger then use the managed identity.",
    )
    data_blob_service_uri: str = Field(default="", description="The data account's blob address, in Azure.")
    data_queue_service_uri: str = Field(default="", description="The data account's queue address, in Azure.")
    data_client_id: str = Field(default="", description="Client id of the user-assigned identity, in Azure.")
    accounts: Listed = Field(
        default=(),
        description="Further storage accounts that jobs may read from and write to, comma separated: blob addresses, "
        "which the app's managed identity opens; or connection strings, for local runs.",
    )
    event_grid_topic: str = Field(
        default="",
        pattern=r"^(https://\S+)?$",
        description="Endpoint of an Event Grid topic that is told of finished jobs too, beside the queue `job-events`.",
    )
    tenant_id: str = Field(description="The Entra tenant whose tokens are taken (a GUID).")
    audiences: Listed = Field(
        min_length=1,
        description="Accepted audiences, comma separated: the App ID URI (v1 tokens) and the client id (v2).",
    )
    allowed_clients: Listed = Field(
        default=(),
        description="Client ids of applications that may call with app-only tokens, comma separated. "
        "Empty: every application that holds a role.",
    )
    required_scope: str = Field(
        default="user_impersonation", description="The scope that a user's (delegated) token must carry."
    )
    local_issuer: str = Field(
        default="",
        description="Address of a token issuer on loopback, for local runs only. Refused in Azure.",
    )
    public_hosts: Listed = Field(
        default=(),
        description="Host names of front doors before the app, comma separated. X-Forwarded-Host is believed for them.",
    )
    max_body_bytes: int = Field(default=16_777_216, gt=0, description="Largest request body, bytes.")
    endpoint_refresh_s: float = Field(
        default=2.0,
        gt=0,
        le=5,
        description="How long an endpoint document is used before it is looked at again, s.",
    )
    onnx_threads: int = Field(default=1, ge=1, description="Threads that one ONNX model call may use.")
    onnx_execution_providers: Listed = Field(
        default=("CPUExecutionProvider",),
        min_length=1,
        description="What onnxruntime runs models on, best first, comma separated.",
    )
    environments: str = Field(
        default="environments",
        description="Folder with the virtual environments that deployments may name; relative to the app.",
    )
    code_sources: Listed = Field(
        default=(),
        description="From where models that run code (score.py, pyfunc) may be published: how their addresses begin, "
        "comma separated, such as `models:/` or `azureml://registries/`; `file:` means paths. Empty: from anywhere.",
    )
    memory_bytes: int = Field(
        default=0,
        ge=0,
        description="Memory of an instance, bytes; 0: what the machine says. Half of it is for loaded models, "
        "a quarter for requests in hand.",
    )
    max_input_bytes: int = Field(
        default=10_737_418_240,
        gt=0,
        description="Largest input file of a batch job, bytes, after decompression.",
    )
    heartbeat_timeout_s: float = Field(
        default=300.0,
        gt=0,
        description="A job that shows no sign of life for this long is attached again, s.",
    )
    retry_window_s: float = Field(
        default=86_400.0,
        ge=0,
        description="How long the work of a failed job is kept, so that a retry goes on from there, s.",
    )
    tick_schedule: str = Field(
        default=DEFAULT_TICK_SCHEDULE,
        description="When schedules and unfinished jobs are looked at (NCRONTAB, six fields).",
    )
    metrics_interval_s: float = Field(default=60.0, gt=0, description="How often metrics go to Azure Monitor, s.")
    trace_ratio: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Which part of the requests is traced, where the caller's traceparent does not decide it.",
    )
    applicationinsights_connection_string: str = Field(
        default="", description="Connection string of Application Insights. Empty: nothing is sent to Azure Monitor."
    )
    applicationinsights_authentication_string: str = Field(
        default="",
        description="Authorization=AAD, for a managed identity; with ;ClientId=… for a user-assigned one.",
    )
    blob_trigger_source: str = Field(
        default="LogsAndContainerScan",
        pattern=f"^({'|'.join(BLOB_TRIGGER_SOURCES)})$",
        description="Who tells of dropped blobs: EventGrid in Azure; StorageQueue in a private network, where "
        "Event Grid writes to the queue inbox-events; LogsAndContainerScan (polling) locally.",
    )

    @field_validator("accounts")
    @classmethod
    def _accounts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_ACCOUNT.fullmatch(account) for account in value):
            # What was given may hold a key.
            raise ValueError(
                "each is a blob address, as https://{account}.blob.core.windows.net, or a connection string"
            )
        return value

    @model_validator(mode="after")
    def _one_way_to_storage(self) -> Self:
        if not self.data and not self.data_blob_service_uri:
            raise ValueError("set SLIPWAY_DATA (local) or SLIPWAY_DATA__blobServiceUri (Azure)")
        if self.data_blob_service_uri and not self.data_queue_service_uri:
            raise ValueError("set SLIPWAY_DATA__queueServiceUri beside SLIPWAY_DATA__blobServiceUri")
        return self


# What the Functions host reads too is spelled as it asks, not as the other settings are.
_SPELLED = {
    "applicationinsights_connection_string": "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "applicationinsights_authentication_string": "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "data_blob_service_uri": "SLIPWAY_DATA__blobServiceUri",
    "data_queue_service_uri": "SLIPWAY_DATA__queueServiceUri",
    "data_client_id": "SLIPWAY_DATA__clientId",
}


def setting_name(field: str) -> str:
    """The app setting that fills a field of `Settings`."""
    return _SPELLED.get(field, f"SLIPWAY_{field.upper()}")


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Raises ConfigurationError with every problem at once."""
    given = {field: environ[setting_name(field)] for field in Settings.model_fields if environ.get(setting_name(field))}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explain(problem) for problem in error.errors())) from None
    if settings.local_issuer:
        _check_local_issuer(settings.local_issuer, environ)
    return settings


def _explain(problem: object) -> str:
    assert isinstance(problem, dict)  # noqa: S101 - pydantic's own type is a TypedDict
    place, message = problem["loc"], str(problem["msg"]).removeprefix("Value error, ")
    if not place:
        return message
    name = setting_name(str(place[0]))
    return f"the setting {name} is missing" if problem["type"] == "missing" else f"the setting {name}: {message}"


def _check_local_issuer(address: str, environ: Mapping[str, str]) -> None:
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        raise ConfigurationError(
            "the setting SLIPWAY_LOCAL_ISSUER must be an http address on loopback, such as http://127.0.0.1:7072"
        )
    marker = next((name for name in AZURE_MARKERS if environ.get(name)), None)
    # Core Tools sets this one too, to its own address on loopback.
    hostname = environ.get("WEBSITE_HOSTNAME", "")
    if not marker and hostname and urlsplit(f"//{hostname}").hostname not in LOOPBACK:
        marker = "WEBSITE_HOSTNAME"
    if marker:
        raise ConfigurationError(
            f"SLIPWAY_LOCAL_ISSUER is set, but {marker} says that this is Azure: remove SLIPWAY_LOCAL_ISSUER"
        )


class TriggerSettings(NamedTuple):
    """What decorators must know while functions are indexed; all else is read when the first call comes."""

    blob_trigger_source: str
    tick_schedule: str


def read_trigger_settings(environ: Mapping[str, str]) -> TriggerSettings:
    """Raises ConfigurationError."""
    fields = Settings.model_fields
    read = TriggerSettings(
        *(environ.get(setting_name(field)) or fields[field].default for field in TriggerSettings._fields)
    )
    if read.blob_trigger_source not in BLOB_TRIGGER_SOURCES:
        raise ConfigurationError(f"the setting SLIPWAY_BLOB_TRIGGER_SOURCE must be {' or '.join(BLOB_TRIGGER_SOURCES)}")
    return read
