"""Which kind of Azure ML's files one is: by its `$schema`, else by the fields that only that kind has. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from cli.importing.source import Kind
from shared.errors import MalformedRequest

_BY_SCHEMA: Final = {
    "onlineendpoint": Kind.ONLINE_ENDPOINT,
    "onlinedeployment": Kind.ONLINE_DEPLOYMENT,
    "batchendpoint": Kind.BATCH_ENDPOINT,
    "batchdeployment": Kind.BATCH_DEPLOYMENT,
}
_ONLINE_ENDPOINT: Final = ("traffic", "mirror_traffic", "public_network_access")
_ONLINE_DEPLOYMENT: Final = ("instance_type", "request_settings", "scale_settings", "liveness_probe", "readiness_probe")
_BATCH_DEPLOYMENT: Final = ("compute", "settings", "mini_batch_size", "output_action", "retry_settings", "resources")
_PIPELINE: Final = ("component", "job_definition")


def kind_of(file: str, fields: Mapping[str, Any]) -> Kind:
    """Raises MalformedRequest for what is none of the four, or has no counterpart as a whole."""
    schema = str(fields.get("$schema", "")).rsplit("/", 1)[-1].split(".")[0].lower()
    type_ = str(fields.get("type", "")).lower()
    kind = _by_schema(schema) if schema else _by_fields(fields, type_)
    if "pipeline" in (type_, schema.removesuffix("job")) or any(name in fields for name in _PIPELINE):
        raise MalformedRequest(
            f"{file}: a pipeline cannot be imported: Slipway scores with one model; import the deployment of that model"
        )
    is_kubernetes = kind is Kind.ONLINE_ENDPOINT and "compute" in fields
    if "kubernetes" in schema or type_ == "kubernetes" or is_kubernetes:
        raise MalformedRequest(
            f"{file}: Kubernetes endpoints cannot be imported, only managed online endpoints and batch endpoints"
        )
    if kind is None:
        raise MalformedRequest(
            f"{file}: is none of Azure ML's online or batch endpoints and deployments, as far as can be seen: "
            "if it is one, add its $schema"
        )
    return kind


def _by_schema(schema: str) -> Kind | None:
    return next((kind for ending, kind in _BY_SCHEMA.items() if schema.endswith(ending)), None)


def _by_fields(fields: Mapping[str, Any], type_: str) -> Kind | None:
    if "endpoint_name" in fields:
        is_batch = type_ in ("model", "pipeline") or any(name in fields for name in (*_BATCH_DEPLOYMENT, *_PIPELINE))
        is_online = type_ in ("managed", "kubernetes") or any(name in fields for name in _ONLINE_DEPLOYMENT)
        kinds = (Kind.BATCH_DEPLOYMENT, Kind.ONLINE_DEPLOYMENT)
    else:
        auth_mode = str(fields.get("auth_mode", "")).lower()
        is_batch = "defaults" in fields
        is_online = auth_mode in ("key", "aml_token") or any(name in fields for name in _ONLINE_ENDPOINT)
        kinds = (Kind.BATCH_ENDPOINT, Kind.ONLINE_ENDPOINT)
    if is_batch == is_online:
        return None
    return kinds[0] if is_batch else kinds[1]
