"""Trains a LoRA adapter with PEFT and torch in float32 and writes the loss of every optimiser step.

Loss of a step: sum of the negative log likelihood over the supervised tokens of all its micro-batches, divided by
their number; measured before the step's update. AdamW, gradient clipping by global norm, transformers' schedules.

usage: peft_losses.py --base DIR --adapter DIR --batches FILE.json --settings FILE.json --out FILE.json
                      [--save DIR] [--threads N]
`--batches`: {"batches": [{"input_ids", "attention_mask", "labels"}, ...]}, one entry a micro-batch, used in order and
again from the start when they run out. `--settings`: the keys of `training:` in *.adapter.yaml; max_steps is needed.
"""
import argparse
import json
import pathlib
import time

import peft
import torch
import transformers
from peft import PeftModel
from transformers import AutoModelForCausalLM, get_scheduler


def negative_log_likelihood(model, batch):
    """Sum over the supervised positions, with logits and softmax in float32."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), batch["labels"][:, 1:].flatten(), ignore_index=-100, reduction="sum")


def make_scheduler(settings, optimizer):
    warmup = settings.get("warmup_steps", 0)
    name = settings.get("lr_scheduler_type", "linear")
    if name == "constant" and warmup > 0:
        name = "constant_with_warmup"
    return get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=settings["max_steps"])


def train(model, batches, settings):
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=settings["learning_rate"], weight_decay=settings.get("weight_decay", 0),
        betas=(settings.get("adam_beta1", 0.9), settings.get("adam_beta2", 0.999)),
        eps=settings.get("adam_epsilon", 1e-8))
    scheduler = make_scheduler(settings, optimizer)
    micro = settings.get("gradient_accumulation_steps", 1)
    limit = settings.get("max_grad_norm")
    report = {"losses": [], "learning_rates": [], "grad_norms": [], "tokens": [], "step_seconds": []}
    tokens = 0
    for step in range(settings["max_steps"]):
        start = time.perf_counter()
        parts = [batches[(step * micro + i) % len(batches)] for i in range(micro)]
        supervised = sum(int((part["labels"][:, 1:] != -100).sum()) for part in parts)
        tokens += sum(int(part["attention_mask"].sum()) for part in parts)
        optimizer.zero_grad(set_to_none=True)
        loss = 0.0
        for part in parts:
            share = negative_log_likelihood(model, part) / supervised
            share.backward()
            loss += share.item()
        norm = torch.nn.utils.clip_grad_norm_(parameters, limit if limit else float("inf"))
        report["losses"].append(loss)
        report["grad_norms"].append(norm.item())
        report["learning_rates"].append(optimizer.param_groups[0]["lr"])
        report["tokens"].append(tokens)
        optimizer.step()
        scheduler.step()
        report["step_seconds"].append(time.perf_counter() - start)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("base", "adapter", "batches", "settings", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--save", type=pathlib.Path, help="where to write the trained adapter")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)

    base = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, args.adapter, is_trainable=True)
    model.train()
    batches = [{key: torch.tensor(rows) for key, rows in batch.items()}
               for batch in json.loads(args.batches.read_text())["batches"]]
    report = train(model, batches, json.loads(args.settings.read_text()))
    report["versions"] = {m.__name__: m.__version__ for m in (torch, peft, transformers)}
    args.out.write_text(json.dumps(report, indent=1) + "\n")
    if args.save:
        model.save_pretrained(args.save)


if __name__ == "__main__":
    main()
