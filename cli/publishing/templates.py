"""What `slipway init` writes."""

from typing import Final

import yaml

_ENDPOINT: Final = """\
# An endpoint: one or more deployments of a model, behind one address.
# `slipway validate` looks at this file, `slipway publish` publishes it.
name: {name}

deployments:
  blue:
    # An MLflow model folder, an .onnx file, models:/name/version, models:/name@alias, runs:/run_id/path or
    # azureml:name:version. A score.py is served with code_configuration: {{code: ., scoring_script: score.py}}.
    model: {model}
    # request_settings:
    #   request_timeout_ms: 5000
    #   max_concurrent_requests_per_instance: 2

# In percent, of a new endpoint; afterwards `slipway traffic set` moves it, and publishing leaves it as it is.
traffic: {{blue: 100}}

batch:
  deployment: blue
  mini_batch_size: 5000        # rows of a table, or files
  max_concurrency: 2           # mini-batches at once
  error_threshold: 0           # rejected rows before a job fails; 5% works too, -1 is no limit
  output_format: parquet       # csv, jsonl
  # schedules:
  #   - {{name: nightly, cron: "0 0 2 * * *", time_zone: UTC, input: "inbox/{name}/nightly/"}}

# Requests are kept, and what is asked and answered is compared with what is usual.
# monitoring:
#   window_hours: 24
#   reference: ./training.parquet  # what inputs looked like in training
"""

PROFILES: Final = """\
# Where `slipway` finds the app, one profile an environment. ${NAME} is taken from the environment.
default: dev
profiles:
  dev:
    app_url: http://127.0.0.1:7071
    storage: ${SLIPWAY_STORAGE}            # locally a connection string
    tenant_id: ${SLIPWAY_TENANT_ID}
    audience: api://slipway
    local_issuer: http://127.0.0.1:7072    # makes tokens on this machine; leave it away in the cloud
  # prod:
  #   app_url: https://my-app.azurewebsites.net
  #   storage: https://myaccount.blob.core.windows.net
  #   tenant_id: 00000000-0000-0000-0000-000000000000
  #   audience: api://slipway
"""


def endpoint(name: str, model: str) -> str:
    return _ENDPOINT.format(name=_scalar(name), model=_scalar(model))


def _scalar(text: str) -> str:
    """As YAML writes it, quoted where it must be."""
    return yaml.safe_dump(text, width=10_000).removesuffix("\n").removesuffix("...").strip()
