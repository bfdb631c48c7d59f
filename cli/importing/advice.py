"""What to do instead of each of Azure ML's fields that an endpoint file of Slipway has no counterpart for."""

from collections.abc import Mapping
from typing import Final

from cli.importing.source import FieldPath

_READ_ONLY: Final = "nothing to do: Azure ML tells it, and it is no setting"
_NOTES: Final = "keep it in the repository that holds the endpoint file: Slipway stores no notes beside an endpoint"
_SCALE: Final = (
    "nothing to do here: Azure Functions starts and stops instances by itself; their memory and greatest number are "
    "settings of the Function app"
)
_PROBE: Final = (
    "nothing to do: a deployment is warmed up before it answers, and the app has /health/live and /health/ready"
)
_NETWORK: Final = "set it at the Function app, for all of its endpoints: access restrictions, private endpoints, vnet"
_CONTAINER: Final = (
    "no container is run: put its Python packages into the environment; its own server has no counterpart"
)
_COMPUTE: Final = "nothing to do: jobs run on the instances of the Function app, and no cluster is kept"
_ASSET: Final = "nothing to do: it describes what is registered in Azure ML, which Slipway does not read"

ADVICE: Final[Mapping[FieldPath, str]] = {
    (): "Slipway has no counterpart: see whether you need it",
    ("id",): _READ_ONLY,
    ("kind",): _READ_ONLY,
    ("location",): "nothing to do: the region is that of the Function app",
    ("provisioning_state",): _READ_ONLY,
    ("creation_context",): _READ_ONLY,
    ("openapi_uri",): "callers read /endpoints/{endpoint}/swagger.json of the app instead",
    (
        "scoring_uri",
    ): "callers change their base URL to that of the app: /endpoints/{endpoint}/score, or …/jobs for batch",
    ("description",): _NOTES,
    ("tags",): _NOTES,
    ("properties",): _NOTES,
    ("mirror_traffic",): "Slipway cannot mirror traffic yet: send the deployment requests that are pinned to it",
    ("public_network_access",): _NETWORK,
    ("egress_public_network_access",): _NETWORK,
    ("private_network_connection",): _NETWORK,
    ("identity",): (
        "give the Function app's own identity the roles that this one has; a score.py gets no credentials of the app"
    ),
    ("instance_type",): _SCALE,
    ("instance_count",): _SCALE,
    ("scale_settings",): _SCALE,
    ("liveness_probe",): _PROBE,
    ("readiness_probe",): _PROBE,
    (
        "app_insights_enabled",
    ): "set APPLICATIONINSIGHTS_CONNECTION_STRING of the Function app, for all of its endpoints",
    (
        "data_collector",
    ): "the part monitoring of an endpoint file keeps inputs and outputs in the data account, and nothing else",
    ("data_collector", "rolling_rate"): "nothing to do: what is kept lies in folders by the hour",
    (
        "data_collector",
        "request_logging",
    ): "nothing to do: no headers are kept; x-request-id finds a request in the log",
    ("model_mount_path",): "nothing to do: AZUREML_MODEL_DIR tells the script where its model is",
    ("model",): _ASSET,
    ("model", "type"): "publish it as an MLflow model, as an ONNX graph logged with MLflow, or with a score.py",
    ("environment",): _ASSET,
    ("environment", "image"): _CONTAINER,
    ("environment", "build"): _CONTAINER,
    ("environment", "inference_config"): _CONTAINER,
    ("environment", "os_type"): "nothing to do: the Function app runs on Linux",
    ("compute",): _COMPUTE,
    ("error_threshold",): "nothing to do: beside settings Azure ML does not read it either",
    ("resources",): _COMPUTE,
    ("logging_level",): "set the log level in host.json, for the whole app",
    ("settings", "logging_level"): "set the log level in host.json, for the whole app",
}
