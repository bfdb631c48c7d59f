"""The servers that users would pick instead: how each one is started, one worker and one model thread each."""

import sys
from pathlib import Path
from typing import Final

from bench.peers.process import Server
from devhost.processes import free_port

_ENVS: Final = Path("build/envs")
_PEERS: Final = Path(__file__).parent
_LOOPBACK: Final = "127.0.0.1"


def fastapi(model: Path) -> Server:
    """A team's own: FastAPI, pydantic and onnxruntime, in this project's own Python. `model`: an ONNX file."""
    port = free_port()
    command = (
        *(sys.executable, "-m", "uvicorn", "bench.peers.rows_app:app", "--host", _LOOPBACK, "--port", str(port)),
        *("--workers", "1", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
    )
    return Server(command, f"http://{_LOOPBACK}:{port}", "/health", {"PEER_MODEL": str(model)})


def azureml(model: Path) -> Server:
    """Azure ML's scoring server with a score.py. `model`: a folder with `model.onnx`."""
    port = free_port()
    script = _PEERS / "azureml_score" / "score.py"
    # What its command `azmlinfsrv` does, which would listen on every address of the machine.
    start = f"from azureml_inference_server_http.amlserver_linux import run; run('{_LOOPBACK}', {port}, 1)"
    environ = {
        "AZUREML_MODEL_DIR": str(model.absolute()),
        "AZUREML_ENTRY_SCRIPT": str(script.absolute()),
        "AML_APP_ROOT": str(script.parent.absolute()),
        "AML_APP_INSIGHTS_ENABLED": "false",
    }
    command = (str(_ENVS / "azmlserver" / "bin" / "python"), "-c", start)
    return Server(command, f"http://{_LOOPBACK}:{port}", "/", environ)


def mlflow(model: Path) -> Server:
    """MLflow's scoring server. `model`: an MLflow model folder."""
    port = free_port()
    command = (
        *(str(_ENVS / "mlflowserver" / "bin" / "mlflow"), "models", "serve", "--model-uri", str(model)),
        *("--env-manager", "local", "--host", _LOOPBACK, "--port", str(port), "--workers", "1"),
    )
    return Server(command, f"http://{_LOOPBACK}:{port}", "/ping")
