"""Times training steps with PEFT: the peer of `npm run bench -- train` and `methods`. One JSON object on stdout.

A step is what a user of PEFT runs: forward with labels, backward, clipping, AdamW, schedule. `f32`: weights and
arithmetic in float32. `bf16`: base weights in bfloat16, adapter in float32, torch.autocast on the CPU.

usage: peft_train.py --base DIR --batches FILE.json --steps N --dtype f32|bf16 [--method lora|dora|vera] [--r 16]
           [--alpha 32] [--threads N]
"""
import time

started = time.perf_counter()

import argparse
import contextlib
import json
import pathlib

import peft
import torch
import transformers
from peft import LoraConfig, VeraConfig, get_peft_model
from transformers import AutoModelForCausalLM, get_scheduler

imported = time.perf_counter()
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def peak_bytes():
    """High-water mark of this process's resident memory; only Linux tells it."""
    status = pathlib.Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=pathlib.Path, required=True)
    parser.add_argument("--batches", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--dtype", choices=["f32", "bf16"], required=True)
    parser.add_argument("--method", choices=["lora", "dora", "vera"], default="lora")
    parser.add_argument("--r", type=int, default=16)
    parser.add_argument("--alpha", type=float, default=32)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)

    is_bf16 = args.dtype == "bf16"
    base = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.bfloat16 if is_bf16 else torch.float32)
    base.config.use_cache = False
    common = {"r": args.r, "target_modules": TARGETS, "task_type": "CAUSAL_LM"}
    own = VeraConfig(**common) if args.method == "vera" else LoraConfig(
        **common, lora_alpha=args.alpha, use_dora=args.method == "dora")
    model = get_peft_model(base, own)
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=2e-4, weight_decay=0)
    scheduler = get_scheduler("linear", optimizer, num_warmup_steps=0, num_training_steps=args.steps)
    batches = [{key: torch.tensor(rows) for key, rows in batch.items()}
               for batch in json.loads(args.batches.read_text())["batches"]]
    loaded = time.perf_counter()

    losses, seconds, norms = [], [], []
    for step in range(args.steps):
        start = time.perf_counter()
        batch = batches[step % len(batches)]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16) if is_bf16 else contextlib.nullcontext():
            loss = model(**batch).loss
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, 1.0).item())
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)

    print(json.dumps({
        "dtype": args.dtype, "step_seconds": seconds, "losses": losses, "grad_norms": norms,
        "import_seconds": imported - started, "load_seconds": loaded - imported, "peak_bytes": peak_bytes(),
        "threads": torch.get_num_threads(), "trainable": sum(p.numel() for p in parameters),
        "versions": {m.__name__: m.__version__ for m in (torch, peft, transformers)}}))


if __name__ == "__main__":
    main()
