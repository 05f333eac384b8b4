"""Makes the cases 14-*: adapters of PEFT beyond the linear layers of the blocks, on bases that are here already.

Runs, tolerances and layout are those of families.py.

usage: adapters.py OUT   (OUT/bases is read, OUT/cases is filled)
"""
import pathlib
import shutil
import sys

import peft
import torch

from families import make_case

# Name, base, LoraConfig, parts of the names of the merged tensors that are kept.
CASES = [
    ("14-lora-embedding-head", "mistral", {"target_modules": ["embed_tokens", "q_proj", "lm_head"]}, ("embed_tokens", "lm_head")),
    ("14-dora-embedding", "mistral", {"target_modules": ["embed_tokens", "v_proj"], "use_dora": True}, ("embed_tokens", "v_proj")),
    ("14-lora-bias", "llama-headdim-bias", {"target_modules": ["q_proj", "v_proj"], "lora_bias": True}, ("q_proj",)),
]


def main():
    out = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    for seed, (name, base, fields, shown) in enumerate(CASES, start=91):
        case = out / "cases" / name
        shutil.rmtree(case, ignore_errors=True)
        config = peft.LoraConfig(r=2, lora_alpha=3, task_type="CAUSAL_LM", init_lora_weights=False, **fields)
        make_case(case, out / "bases" / base, config, seed, "adapters.py", shown)


if __name__ == "__main__":
    main()
