"""The peer that a team would write itself: FastAPI, pydantic and onnxruntime, without authentication.

Well configured: pydantic's own serialiser, one uvicorn worker with uvloop and httptools, the model on one thread.
`/score` calls the model on the event loop, where a small batch costs less than a thread and a large one holds up all
other requests; `/score-in-thread` is the form that FastAPI's documentation gives for code that blocks.
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
    return _probabilities(rows)


@app.post("/score-in-thread")
def score_in_thread(rows: Rows) -> list[list[float]]:
    return _probabilities(rows)


def _probabilities(rows: Rows) -> list[list[float]]:
    (probabilities,) = _session.run(["probabilities"], {"X": np.array(rows.data, dtype=np.float32)})
    result: list[list[float]] = probabilities.tolist()
    return result


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"live": True}
