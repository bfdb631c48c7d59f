"""What Azure ML's documentation shows: a score.py that loads a model in `init` and parses the body in `run`."""

import json
import os
from typing import Any

import numpy as np
import onnxruntime

session: Any = None


def init() -> None:
    global session
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(raw_data: str) -> list[list[float]]:
    data = np.array(json.loads(raw_data)["data"], dtype=np.float32)
    (probabilities,) = session.run(["probabilities"], {"X": data})
    result: list[list[float]] = probabilities.tolist()
    return result
