"""Files of Azure ML in which, together, every field is written that its schemas know."""

from tests.unit.cli.importing.azure_files import (
    CONDA,
    SCRIPT,
    Fields,
    batch_deployment,
    batch_endpoint,
    online_deployment,
    online_endpoint,
)

_ROUTE = {"path": "/", "port": 5001}
_PROBE = {"period": 10, "initial_delay": 10, "timeout": 2, "success_threshold": 1, "failure_threshold": 30}
_NOTES: Fields = {"description": "Two\nlines", "tags": {"team": "a", "a.b": 1}, "properties": {"p": "q"}}
_TOLD: Fields = {"id": "/subscriptions/s", "provisioning_state": "Succeeded"}
_ENDPOINT: Fields = {
    **_NOTES,
    **_TOLD,
    "scoring_uri": "https://flowers.westeurope.inference.ml.azure.com/score",
    "openapi_uri": "https://flowers.westeurope.inference.ml.azure.com/swagger.json",
    "location": "westeurope",
    "identity": {
        "type": "user_assigned",
        "principal_id": "p",
        "tenant_id": "t",
        "user_assigned_identities": [{"resource_id": "/subscriptions/s/u"}],
    },
}
_MODEL: Fields = {
    **_NOTES,
    "name": "iris",
    "version": 3,
    "path": "model/model.pkl",
    "type": "custom_model",
    "stage": "Production",
    "flavors": {"sklearn": {"v": "1"}},
    "datastore": "azureml:d",
    "system_metadata": {"a": "b"},
    "default_deployment_template": {"asset_id": "azureml://registries/r/deploymentTemplates/t/versions/1"},
    "allowed_deployment_templates": [{"asset_id": "azureml://registries/r/deploymentTemplates/t/versions/1"}],
}
_ENVIRONMENT: Fields = {
    "name": "sklearn",
    "version": 2,
    "description": "packages",
    "tags": {"a": "b"},
    "image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04",
    "conda_file": "conda.yml",
    "os_type": "linux",
    "datastore": "azureml:d",
    "inference_config": {"liveness_route": _ROUTE, "readiness_route": _ROUTE, "scoring_route": _ROUTE},
}
_BUILT: Fields = {
    "id": "azureml:/subscriptions/s",
    "build": {"path": "code", "dockerfile_path": "Dockerfile"},
    "conda_file": CONDA,
    "auto_delete_setting": {"condition": "created_greater_than", "value": "3d"},
}
_DEPLOYMENT: Fields = {
    **_NOTES,
    "id": "/subscriptions/s",
    "model": _MODEL,
    "code_configuration": SCRIPT,
    "environment": _ENVIRONMENT,
    "environment_variables": {"A": 1, "B": None, "WORKER_COUNT": "2", "SECRET": "${{azureml://connections/c}}"},
}
_BATCH_SETTINGS: Fields = {
    "mini_batch_size": 10,
    "max_concurrency_per_instance": 2,
    "error_threshold": 5,
    "retry_settings": {"max_retries": 3, "timeout": 9999},
    "output_action": "append_row",
    "output_file_name": "out.jsonl",
    "logging_level": "info",
}
_RESOURCES: Fields = {
    "instance_count": 2,
    "instance_type": "Standard_F2s_v2",
    "properties": {"a": "b"},
    "locations": ["westeurope"],
    "shm_size": "2g",
    "max_instance_count": 4,
    "docker_args": "--rm",
}
_COLLECTOR: Fields = {
    "collections": {
        "model_inputs": {
            "enabled": "True",
            "client_id": "c",
            "data": {"name": "n", "path": "azureml://datastores/d/paths/p", "version": "1", "data_id": "i"},
        }
    },
    "rolling_rate": "hour",
    "sampling_rate": 0.5,
    "request_logging": {"capture_headers": ["x-a"]},
}
ENDPOINT = online_endpoint(
    **_ENDPOINT, traffic={"blue": 100}, mirror_traffic={"green": 10}, public_network_access="disabled", kind="Managed"
)
BLUE = online_deployment(
    "blue",
    **_DEPLOYMENT,
    type="managed",
    provisioning_state="Succeeded",
    app_insights_enabled=True,
    scale_settings={
        "type": "target_utilization",
        "polling_interval": 1,
        "target_utilization_percentage": 70,
        "min_instances": 1,
        "max_instances": 3,
    },
    request_settings={
        "request_timeout_ms": 3000,
        "max_concurrent_requests_per_instance": 500,
        "max_queue_wait_ms": 500,
    },
    liveness_probe=_PROBE,
    readiness_probe=_PROBE,
    instance_count=2,
    model_mount_path="/models",
    egress_public_network_access="disabled",
    private_network_connection=True,
    data_collector=_COLLECTOR,
)
GREEN = online_deployment(
    "green",
    model="azureml:iris@latest",
    environment=_BUILT,
    scale_settings={"type": "default"},
    data_collector=_COLLECTOR,
)
# Its schema knows an identity, at which its library fails.
BATCH = batch_endpoint(
    **{name: value for name, value in _ENDPOINT.items() if name != "identity"}, auth_mode="aad_token"
)
NEW = batch_deployment(
    "nightly",
    **_DEPLOYMENT,
    type="model",
    error_threshold=7,
    resources=_RESOURCES,
    settings={**_BATCH_SETTINGS, "environment_variables": {"A": 2, "C": "x"}},
)
FLAT = batch_deployment("weekly", **_DEPLOYMENT, type="model", resources=_RESOURCES, **_BATCH_SETTINGS)
BUILT = batch_deployment("hourly", environment=_BUILT, settings={"mini_batch_size": 10, "instance_count": 100})
SETS = {
    "online": {"e.yml": ENDPOINT, "b.yml": BLUE, "g.yml": GREEN},
    "batch, new schema first": {"e.yml": BATCH, "n.yml": NEW, "w.yml": FLAT, "h.yml": BUILT},
    "batch, old schema first": {
        "e.yml": BATCH | {"defaults": {"deployment_name": "weekly"}},
        "n.yml": NEW,
        "w.yml": FLAT,
    },
    "both": {
        "e.yml": ENDPOINT,
        "b.yml": BLUE,
        "g.yml": GREEN,
        "be.yml": BATCH,
        "n.yml": NEW,
        "w.yml": FLAT,
        "h.yml": BUILT,
    },
}
