"""Makes the cases 18-*: bases quantised by bitsandbytes, and adapters on them.

The base is a random model that transformers quantised and saved. bitsandbytes says what its weights stand for
(`dequantised.safetensors`, some of them, to be met to the bit where they are of 4 bits); the runs, tolerances and layout are those of
families.py on a model of these values, whose logits are held against those of the quantised layers themselves.

usage: quantised.py OUT   (OUT/bases and OUT/cases are filled)
"""
import json
import pathlib
import shutil
import sys
import tempfile

import bitsandbytes
import peft
import torch
import transformers
from safetensors.torch import save_file

from families import COMMON, make_case, write_base

# Sizes that leave a block of 64 values half full, and no multiples of 16: where rows of so many values begin inside a block, the
# AVX512 kernel of bitsandbytes 0.50.2 takes a wrong absmax (its other kernels do not).
LLAMA = {**COMMON, "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": 24,
         "intermediate_size": 20, "rope_theta": 10000.0, "tie_word_embeddings": False}
GPT2 = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 10, "n_head": 2, "n_layer": 2, "n_positions": 64,
        "vocab_size": 31, "bos_token_id": 1, "eos_token_id": 2, "activation_function": "gelu_new", "attn_pdrop": 0.0,
        "embd_pdrop": 0.0, "resid_pdrop": 0.0, "torch_dtype": "float16"}
BASES = {
    "llama-nf4": (LLAMA, {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True}),
    "llama-int8": (LLAMA, {"load_in_8bit": True}),
    "gpt2-fp4": (GPT2, {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"}),
}
# Name, base, LoraConfig.
CASES = [
    ("18-lora-llama-nf4", "llama-nf4", {"target_modules": ["q_proj", "v_proj", "down_proj"]}),
    ("18-dora-llama-nf4", "llama-nf4", {"target_modules": ["q_proj", "v_proj", "down_proj"], "use_dora": True}),
    ("18-lora-llama-int8", "llama-int8", {"target_modules": ["q_proj", "v_proj", "down_proj"]}),
    ("18-dora-gpt2-fp4", "gpt2-fp4", {"target_modules": ["c_attn"], "use_dora": True, "fan_in_fan_out": True}),
]
IDS = torch.tensor([[1, 5, 9, 13, 17, 21, 25, 29, 3, 2]])


def quantise(folder, fields, scheme, seed):
    """Writes the quantised base; returns the model that transformers made of it."""
    with tempfile.TemporaryDirectory() as plain:
        plain = pathlib.Path(plain) / "base"
        write_base(plain, fields, seed)
        config = transformers.BitsAndBytesConfig(bnb_4bit_compute_dtype=torch.float32, **scheme)
        model = transformers.AutoModelForCausalLM.from_pretrained(plain, quantization_config=config, dtype=torch.float32)
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        config = folder / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()), indent=1))
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def values_of(model):
    """Name of each quantised weight -> what it stands for, [out, in]."""
    values = {}
    for name, module in model.named_modules():
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            values[f"{name}.weight"] = bitsandbytes.functional.dequantize_4bit(module.weight.data, module.weight.quant_state)
        elif isinstance(module, bitsandbytes.nn.Linear8bitLt):
            values[f"{name}.weight"] = bitsandbytes.functional.int8_vectorwise_dequant(module.weight.data, module.weight.SCB)
    return values


def write_plain(folder, fields, model, values):
    """The same model with these values, not quantised."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**fields, "torch_dtype": "float32"}))
    plain = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(folder)).float()
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in plain.named_parameters():
            value = values.get(name, own.get(name))
            turned = name in values and fields["model_type"] == "gpt2"
            parameter.copy_(value.T if turned else value)
    plain.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({**fields, "torch_dtype": "float32"}))
    return plain


def main():
    out = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        values = {}
        for seed, (name, (fields, scheme)) in enumerate(BASES.items(), start=181):
            folder = out / "bases" / name
            shutil.rmtree(folder, ignore_errors=True)
            # In evaluation bitsandbytes repacks weights for kernels of 16 bits on some CPUs; nothing here has dropout.
            model = quantise(folder, fields, scheme, seed).train()
            values[name] = values_of(model)
            plain = write_plain(scratch / name, fields, model, values[name]).train()
            with torch.no_grad():
                difference = (model(IDS).logits - plain(IDS).logits).abs().max().item()
            print(name, len(values[name]), "weights; logits differ by", difference)
            assert difference < 1e-4
        for seed, (name, base, fields) in enumerate(CASES, start=191):
            case = out / "cases" / name
            shutil.rmtree(case, ignore_errors=True)
            config = peft.LoraConfig(r=2, lora_alpha=3, task_type="CAUSAL_LM", init_lora_weights=False, **fields)
            make_case(case, scratch / base, config, seed, "quantised.py", ("q_proj", "c_attn"))
            first = {n: v.contiguous() for n, v in values[base].items() if ".0." in n}
            save_file(first, case / "dequantised.safetensors")


if __name__ == "__main__":
    main()
