"""Times loading, merge_and_unload and saving with PEFT: the peer of `npm run bench -- merge`. One JSON object on stdout.

usage: peft_merge.py --base DIR --adapter DIR --out DIR [--threads N]
The checkpoint keeps its stored data type. `import_seconds` is the cost of importing the libraries, told apart because
a long-lived Python process pays it once.
"""
import time

started = time.perf_counter()

import argparse
import json
import pathlib

import peft
import torch
import transformers
from peft import PeftModel
from transformers import AutoModelForCausalLM

imported = time.perf_counter()


def peak_bytes():
    """High-water mark of this process's resident memory; only Linux tells it."""
    status = pathlib.Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("base", "adapter", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)

    start = time.perf_counter()
    base = AutoModelForCausalLM.from_pretrained(args.base, dtype="auto")
    merged = PeftModel.from_pretrained(base, args.adapter).merge_and_unload()
    merged.save_pretrained(args.out)
    done = time.perf_counter()
    print(json.dumps({
        "import_seconds": imported - started, "merge_seconds": done - start, "peak_bytes": peak_bytes(),
        "threads": torch.get_num_threads(),
        "versions": {m.__name__: m.__version__ for m in (torch, peft, transformers)}}))


if __name__ == "__main__":
    main()
