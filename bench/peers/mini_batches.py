"""A batch job as Azure ML runs one, without Azure ML: processes that each call `init` once and `run` for every
mini-batch of files, and one that appends what they return.

Run by a Python that has the script's packages: `python mini_batches.py SCRIPT OUTPUT PROCESSES FILE …`; prints seconds.
"""

import importlib
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

module: Any = None


def init(script: str) -> None:
    global module
    sys.path.insert(0, script.rpartition("/")[0])
    module = importlib.import_module("score")
    module.init()


def run(file: str) -> Any:
    return module.run([file])


def main(script: str, output: str, processes: int, files: list[str]) -> None:
    with ProcessPoolExecutor(processes, initializer=init, initargs=(script,)) as pool, open(output, "w") as predictions:
        list(pool.map(int, range(processes)))  # what is measured is no start of processes
        started = time.perf_counter()
        for result in pool.map(run, files):
            result.to_csv(predictions, index=False, header=False)
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
