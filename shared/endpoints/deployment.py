"""One deployment of an endpoint: its model, its environment, and how many requests it takes, in Azure ML's words."""

from typing import Annotated

from pydantic import Field

from shared.documents import Document
from shared.models.flavor import Runtime
from shared.models.package import NAME_PATTERN, VERSION_PATTERN, ModelRef

# Azure ML's rule for the names of endpoints and deployments.
ENDPOINT_NAME_PATTERN = r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"

type Name = Annotated[str, Field(pattern=ENDPOINT_NAME_PATTERN, min_length=3, max_length=32)]
# POSIX, Base Definitions, 8.1. No program can be given a value with a NUL.
type VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
type VariableValue = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=4096)]


class RequestSettings(Document):
    request_timeout_ms: int = Field(default=5000, ge=1, le=180_000)
    max_concurrent_requests_per_instance: int = Field(default=2, ge=1, le=64)
    max_queue: int = Field(default=64, ge=0, le=1000, description="requests that may wait on an instance")
    max_queue_wait_ms: int | None = Field(default=None, ge=1, le=180_000, description="None: until request_timeout_ms")
    max_batch_rows: int = Field(default=256, ge=1, le=4096, description="1: every request is predicted alone")


class PinnedModel(Document):
    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=VERSION_PATTERN)
    digest: str = Field(pattern="^sha256:[0-9a-f]{64}$")

    @property
    def ref(self) -> ModelRef:
        return ModelRef(self.name, self.version, self.digest)


class Deployment(Document):
    """`environment`, `environment_variables` and `worker_count` are for models that run outside of the process."""

    model: PinnedModel
    environment: Name | None = None
    environment_variables: dict[VariableName, VariableValue] = Field(default={}, max_length=100)
    worker_count: int = Field(default=1, ge=1, le=8)
    request_settings: RequestSettings = RequestSettings()

    @property
    def runtime(self) -> Runtime:
        variables = tuple(sorted(self.environment_variables.items()))
        return Runtime(self.environment or "", variables, self.worker_count)
