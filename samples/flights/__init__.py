"""The sample: real flights, two models of their delay, and the endpoint that serves them."""

import os

# Before anything imports these libraries, which read the switches once: by default both tell their makers of
# their use, and onnxruntime keeps a device id and an upload queue under the home folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
