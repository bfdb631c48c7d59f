"""The least that could score a file: pyarrow reads it in blocks, onnxruntime scores them, pyarrow writes Parquet.

Run as a process of its own: `python -m bench.bare_loop INPUT MODEL OUTPUT THREADS`; prints rows and seconds.
"""

import sys
import time

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

TEXTS = ("carrier", "origin", "dest")


def main(source: str, model: str, output: str, threads: int) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    types = {name: pa.string() if name in TEXTS else pa.float32() for name in names}
    started = time.perf_counter()
    rows = 0
    with pacsv.open_csv(
        source,
        pacsv.ReadOptions(block_size=8 << 20),
        convert_options=pacsv.ConvertOptions(include_columns=names, column_types=types),
    ) as batches:
        writer = None
        for batch in batches:
            table = pa.table(batch)
            table = table.filter(pa.compute.is_valid(table["dep_delay"]))
            feeds = {
                name: (np.asarray(table[name]) if name in TEXTS else table[name].fill_null(np.nan).to_numpy()).reshape(
                    -1, 1
                )
                for name in names
            }
            late, probability = session.run(["late", "late_probability"], feeds)
            result = pa.table({"late": late, "late_probability": probability})
            writer = writer or pq.ParquetWriter(output, result.schema, compression="zstd")
            writer.write_table(result)
            rows += batch.num_rows
        if writer is not None:
            writer.close()
    print(rows, time.perf_counter() - started)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
