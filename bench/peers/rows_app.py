"""The peer that a team would write itself: FastAPI, pydantic and onnxruntime, without authentication.

Well configured: pydantic's own serialiser, one uvicorn worker with uvloop and httptools, the model on one thread and
called on the event loop, because a small batch costs less than a thread.
"""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

_options = onnxruntime.SessionOptions()
_options.intra_op_num_threads = 1
_session = onnxruntime.InferenceSession(os.environ["PEER_MODEL"], _options, providers=["CPUExecutionProvider"])
app = FastAPI()


class Rows(BaseModel):
    data: list[list[float]]


@app.post("/score")
async def score(rows: Rows) -> list[list[float]]:
    (probabilities,) = _session.run(["probabilities"], {"X": np.array(rows.data, dtype=np.float32)})
    result: list[list[float]] = probabilities.tolist()
    return result


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"live": True}
