"""What the run that started everything tells the tests, which run in the clients' own environment."""

import json
import os
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

VARIABLE: Final = "SLIPWAY_CONFORMANCE"


class Sample(NamedTuple):
    """Rows for one endpoint, and what its model says to them. `outputs`: name to values, row by row."""

    columns: list[str]
    data: list[list[Any]]
    outputs: dict[str, list[Any]]


class Handover(NamedTuple):
    """`oracles`: endpoint to the address of `mlflow models serve` with the same model. `missing`: what could not be
    published, and why."""

    url: str
    token: str
    strangers_token: str
    samples: dict[str, Sample]
    oracles: dict[str, str]
    missing: dict[str, str]

    def write(self, path: Path) -> None:
        samples = {name: sample._asdict() for name, sample in self.samples.items()}
        path.write_text(json.dumps({**self._asdict(), "samples": samples}))

    @classmethod
    def read(cls) -> Self:
        told = json.loads(Path(os.environ[VARIABLE]).read_text())
        samples = {name: Sample(**sample) for name, sample in told.pop("samples").items()}
        return cls(samples=samples, **told)
