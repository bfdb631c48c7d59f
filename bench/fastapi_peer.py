"""The peer that a team would write itself: FastAPI, pydantic and onnxruntime, without authentication.

Well configured: orjson's speed through pydantic's own serialiser, one uvicorn worker with uvloop and httptools, the
model on one thread, called on the event loop, because one row costs less than a thread.
"""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

session = onnxruntime.InferenceSession(os.environ["PEER_MODEL"], providers=["CPUExecutionProvider"])
app = FastAPI()


class Flight(BaseModel):
    carrier: str
    origin: str
    dest: str
    dep_delay: float
    distance: float
    hour: float
    weekday: float
    temp: float | None = None
    wind_speed: float | None = None
    precip: float | None = None
    visib: float | None = None
    plane_year: float | None = None
    seats: float | None = None


class Prediction(BaseModel):
    late: int
    late_probability: float


TEXTS = ("carrier", "origin", "dest")
NUMBERS = tuple(name for name in Flight.model_fields if name not in TEXTS)


@app.post("/score")
async def score(flights: list[Flight]) -> list[Prediction]:
    feeds = {name: np.array([[getattr(flight, name)] for flight in flights], dtype=object) for name in TEXTS}
    for name in NUMBERS:
        feeds[name] = np.array([[getattr(flight, name)] for flight in flights], dtype=np.float32)
    late, probability = session.run(["late", "late_probability"], feeds)
    return [Prediction(late=int(one), late_probability=float(p)) for one, p in zip(late, probability, strict=True)]
