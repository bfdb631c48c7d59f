"""What Azure ML's documentation shows for batch: `run` reads its files with pandas and returns a table."""

import os
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd

TEXTS = ("carrier", "origin", "dest")
session: Any = None


def init() -> None:
    global session
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(mini_batch: list[str]) -> pd.DataFrame:
    results = []
    for file in mini_batch:
        data = pd.read_csv(file).dropna(subset=["dep_delay"])
        names = [entry.name for entry in session.get_inputs()]
        feeds = {name: data[name].to_numpy(object if name in TEXTS else np.float32).reshape(-1, 1) for name in names}
        late, probability = session.run(["late", "late_probability"], feeds)
        result = pd.DataFrame({"row": data.index, "late": late.ravel(), "late_probability": probability.ravel()})
        result["file_name"] = os.path.basename(file)
        results.append(result)
    return pd.concat(results)
