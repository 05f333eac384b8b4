"""Loads an adapter folder with PEFT (and a merged checkpoint with transformers) and writes logits of fixed prompts.

usage: peft_logits.py --base DIR --adapter DIR [--merged DIR] --prompts FILE.json --out FILE.safetensors
`--prompts`: a JSON list of texts, tokenised as they are. Tensors written for prompt N: `ids.N` int64 [tokens];
`base.N`, `adapter.N` and with --merged `merged.N`, float32 [tokens, vocabulary].
"""
import argparse
import json
import pathlib

import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer


@torch.no_grad()
def logits(model, ids):
    return model(input_ids=ids[None]).logits[0].float().contiguous()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("base", "adapter", "prompts", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--merged", type=pathlib.Path)
    args = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(args.base)
    prompts = [torch.tensor(tokenizer(text)["input_ids"]) for text in json.loads(args.prompts.read_text())]
    tensors = {f"ids.{i}": ids for i, ids in enumerate(prompts)}

    base = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, args.adapter).eval()
    for i, ids in enumerate(prompts):
        tensors[f"adapter.{i}"] = logits(model, ids)
        with model.disable_adapter():
            tensors[f"base.{i}"] = logits(model, ids)
    if args.merged:
        merged = AutoModelForCausalLM.from_pretrained(args.merged, dtype=torch.float32).eval()
        for i, ids in enumerate(prompts):
            tensors[f"merged.{i}"] = logits(merged, ids)
    save_file(tensors, args.out)


if __name__ == "__main__":
    main()
