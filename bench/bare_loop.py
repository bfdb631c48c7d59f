"""The least that could score a file: pyarrow reads it piece by piece, onnxruntime scores them, pyarrow writes Parquet.

Run as a process of its own: `python -m bench.bare_loop INPUT MODEL OUTPUT THREADS`, INPUT a CSV or Parquet file; prints
rows, seconds and CPU seconds.
"""

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

TEXTS = ("carrier", "origin", "dest")


def main(source: str, model: str, output: str, threads: int) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    started, spent = time.perf_counter(), time.process_time()
    rows = 0
    writer = None
    for batch in _parquet(source, names) if source.endswith(".parquet") else _csv(source, names):
        table = pa.table(batch)
        table = table.filter(pc.is_valid(table["dep_delay"]))
        late, probability = session.run(["late", "late_probability"], {name: _feed(table, name) for name in names})
        result = pa.table({"late": late, "late_probability": probability})
        writer = writer or pq.ParquetWriter(output, result.schema, compression="zstd")
        writer.write_table(result)
        rows += batch.num_rows
    if writer is not None:
        writer.close()
    print(rows, time.perf_counter() - started, time.process_time() - spent)


def _csv(source: str, names: list[str]) -> Iterator[pa.RecordBatch]:
    types = {name: pa.string() if name in TEXTS else pa.float32() for name in names}
    yield from pacsv.open_csv(
        source,
        pacsv.ReadOptions(block_size=8 << 20),
        convert_options=pacsv.ConvertOptions(include_columns=names, column_types=types),
    )


def _parquet(source: str, names: list[str]) -> Iterator[pa.RecordBatch]:
    yield from pq.ParquetFile(source).iter_batches(100_000, columns=names)


def _feed(table: pa.Table, name: str) -> Any:
    if name in TEXTS:
        return np.asarray(table[name]).reshape(-1, 1)
    return table[name].cast(pa.float32()).fill_null(np.nan).to_numpy().reshape(-1, 1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
