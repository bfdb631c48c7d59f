"""Very many mini-batches in one job on Microsoft's engine: 100,000 on stores in memory, or 10,000 on Azurite.

`make scale` runs both. Prints what a mini-batch costs from the first to the last tenth, and ends with 1 where that
grows, or where the engine's records or, on Azurite, the memory of the process do.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from azure.storage.blob import BlobServiceClient

from devhost.azurite import Azurite
from shared.adapters.connection import CLIENT_OPTIONS
from shared.batch.manifest import GROUP_SIZE
from shared.batch.orchestrator import WINDOWS_A_GENERATION
from tests.support import endpoint, iris, scale
from tests.support.batch import Clock, make_ports
from tests.support.durable import running_hub

# How much more the last tenth may cost than the first: a machine is not equally quick all the time.
_MOST_GROWTH = 1.5
_MOST_MORE_BYTES = 100_000_000


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scale")
    parser.add_argument("--azurite", action="store_true", help="on storage, and not on stores in memory")
    parser.add_argument("--mini-batches", type=int)
    asked = parser.parse_args(arguments)
    count = asked.mini_batches or (10_000 if asked.azurite else 100_000)
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        iris.save(folder / "iris")
        with _azurite(folder) if asked.azurite else _memory() as store:
            ref = endpoint.upload(store, folder / "iris")
            ports = make_ports(store, Clock(), max_input_bytes=2**30)
            services = SimpleNamespace(batch=ports, store=store)
            print(f"{count} mini-batches of one row each, on {'Azurite' if asked.azurite else 'stores in memory'}")
            with mock.patch("shared.triggers.batch.services", return_value=services), running_hub() as hub:
                samples = scale.run(hub, store, ports, ref, count, progress=lambda told: print(told, flush=True))
    return _judged(samples, on_storage=asked.azurite)


@contextmanager
def _memory() -> Iterator[scale.Sampled]:
    yield scale.SampledBlobs()


@contextmanager
def _azurite(folder: Path) -> Iterator[scale.Sampled]:
    azurite = Azurite(folder / "azurite", folder / "azurite.log")
    azurite.start()
    try:
        with BlobServiceClient.from_connection_string(azurite.connection_string, **CLIENT_OPTIONS) as service:
            yield scale.SampledStorage(service)
    finally:
        azurite.stop()


def _judged(samples: list[scale.Sample], *, on_storage: bool) -> int:
    costs = scale.pace(samples, lambda sample: sample.cpu_s)
    _tell("ms of CPU a mini-batch, by tenths", [1000 * cost for cost in costs])
    _tell("ms of time a mini-batch, by tenths", [1000 * cost for cost in scale.pace(samples, lambda each: each.wall_s)])
    size = max(1, len(samples) // 10)
    memory = [each.resident_bytes for each in samples[size - 1 :: size]]
    _tell("MB of this process, by tenths", [held / 1e6 for held in memory])
    longest, most = max(each.history for each in samples), max(each.instances for each in samples)
    print(f"the longest history has {longest} events; the engine held {most} instances at most")
    problems = []
    if costs[-1] > _MOST_GROWTH * costs[0]:
        problems.append("a mini-batch costs more at the end of the job than at its beginning")
    if longest > 5 * GROUP_SIZE:
        problems.append("an orchestration's history grows beyond its window")
    if most > 2 * WINDOWS_A_GENERATION:
        problems.append("the engine keeps what has ended")
    if on_storage and memory[-1] - memory[0] > _MOST_MORE_BYTES:
        problems.append("memory grows with the mini-batches")
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


def _tell(what: str, values: list[float]) -> None:
    print(f"{what}:", " ".join(f"{value:.1f}" for value in values))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
