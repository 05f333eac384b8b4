"""Writes a fresh LoRA adapter folder with PEFT: the common starting point of two trainers.

usage: peft_adapter.py --base DIR --out DIR [--r 8] [--alpha 16] [--target a,b|all-linear] [--seed 0]
"""
import argparse
import pathlib

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--r", type=int, default=8)
    parser.add_argument("--alpha", type=int, default=16)
    parser.add_argument("--target", default="all-linear")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    model = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.float32)
    target = args.target if args.target == "all-linear" else args.target.split(",")
    config = LoraConfig(r=args.r, lora_alpha=args.alpha, target_modules=target, task_type="CAUSAL_LM")
    get_peft_model(model, config).save_pretrained(args.out)


if __name__ == "__main__":
    main()
