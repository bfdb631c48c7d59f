"""MLflow's and Azure ML's own words kept off the terminal: they are for those who write with them."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import Final

_ENVIRONMENT: Final = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Seven times with pauses that double is minutes, before a person hears that the server is down.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # MLflow 3 refuses such stores so that nobody begins one; here they are only read.
    "MLFLOW_ALLOW_FILE_STORE": "true",
}


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bar, warning or log. What a person has set in the environment stays as it is."""
    added = {name: value for name, value in _ENVIRONMENT.items() if name not in os.environ}
    disabled = logging.root.manager.disable
    os.environ.update(added)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        for name in added:
            os.environ.pop(name, None)
