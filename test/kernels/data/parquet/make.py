"""Makes the Parquet files beside this file with pyarrow 26.0.1: two row groups, the
codecs that are read and one that is not. Usage: python make.py"""
import os
import pyarrow as pa
import pyarrow.parquet as pq

folder = os.path.dirname(os.path.abspath(__file__))
rows = [
    {"messages": [{"role": "user", "content": f"What is {i}?"}, {"role": "assistant", "content": f"Number {i}."}], "id": i}
    for i in range(5)
]
messages = pa.Table.from_pylist(rows)
pairs = pa.Table.from_pylist([{"prompt": f"{i} + 1 =", "completion": f" {i + 1}", "note": None} for i in range(5)])
pq.write_table(messages, os.path.join(folder, "messages-snappy.parquet"), compression="snappy", row_group_size=3)
pq.write_table(pairs, os.path.join(folder, "pairs-gzip.parquet"), compression="gzip", row_group_size=3)
pq.write_table(pairs, os.path.join(folder, "pairs-lz4.parquet"), compression="lz4")
