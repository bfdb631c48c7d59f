"""100,000 mini-batches in one job, on stores in memory and Microsoft's engine. A program: `make scale`.

Prints what a mini-batch costs from the first to the last tenth, and ends with 1 where that grows, or where the engine's
records do.
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from shared.batch.manifest import GROUP_SIZE
from shared.batch.orchestrator import WINDOWS_A_GENERATION
from tests.support import endpoint, iris, scale
from tests.support.batch import Clock, make_ports
from tests.support.durable import running_hub

# How much more the last tenth may cost than the first: a machine is not equally quick all the time.
_MOST_GROWTH = 1.5


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scale")
    parser.add_argument("--mini-batches", type=int, default=100_000)
    count = parser.parse_args(arguments).mini_batches
    logging.disable(logging.WARNING)
    store = scale.SampledBlobs()
    with tempfile.TemporaryDirectory() as folder:
        iris.save(Path(folder) / "iris")
        ref = endpoint.upload(store, Path(folder) / "iris")
    ports = make_ports(store, Clock(), max_input_bytes=2**30)
    services = SimpleNamespace(batch=ports, store=store)
    print(f"{count} mini-batches of one row each")
    with mock.patch("shared.triggers.batch.services", return_value=services), running_hub() as hub:
        samples = scale.run(hub, store, ports, ref, count, progress=print)
    return _judged(samples)


def _judged(samples: list[scale.Sample]) -> int:
    costs = scale.pace(samples)
    print("ms of CPU a mini-batch, by tenths:", " ".join(f"{1000 * cost:.1f}" for cost in costs))
    longest, most = max(each.history for each in samples), max(each.instances for each in samples)
    print(f"the longest history has {longest} events; the engine held {most} instances at most")
    problems = []
    if costs[-1] > _MOST_GROWTH * costs[0]:
        problems.append("a mini-batch costs more at the end of the job than at its beginning")
    if longest > 5 * GROUP_SIZE:
        problems.append("an orchestration's history grows beyond its window")
    if most > 2 * WINDOWS_A_GENERATION:
        problems.append("the engine keeps what has ended")
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
