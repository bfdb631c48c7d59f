"""What a job costs the app without a host around it: its own activities on the stack's storage, one after the other.

`python -m bench.activities ENDPOINT LOCATION`, in a process with the stack's settings, prints ms of CPU a mini-batch
of one row, from its submission until all is put away.
"""

import os
import subprocess
import sys
import time
from uuid import uuid4

from devhost.stack import Stack


def own_cpu_ms(stack: Stack, endpoint: str, location: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "bench.activities", endpoint, location],
        env={**os.environ, **stack.environ},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def measure(endpoint: str, location: str) -> float:
    from shared.batch import desk, job
    from shared.batch.job import JobInput
    from shared.endpoints.batch_settings import Overrides
    from shared.services import services
    from tests.support.durable import run_at_once

    ports = services().batch

    def run() -> float:
        made = job.new(
            f"bench-{uuid4().hex}",
            endpoint,
            (JobInput(name="rows", location=location),),
            "bench",
            ports.now(),
            overrides=Overrides(mini_batch_size=1),
        )
        begun = time.process_time()
        run_at_once(desk.submit(ports.store, made))
        spent = time.process_time() - begun
        counts = desk.read(ports.store, made.id).counts
        if counts is None:
            raise RuntimeError(f"the job is {desk.read(ports.store, made.id).status}")
        return spent / counts.mini_batches * 1e3

    run()  # loads the model
    return run()


if __name__ == "__main__":
    print(measure(*sys.argv[1:]))
