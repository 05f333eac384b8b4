"""Makes the cases 13-*: one tiny random model of each family in 16 bits, LoRA on most of its linear layers, two steps, merged.

The layout is that of the other cases. config.json is written the way published checkpoints write it and read by
transformers, so that the meaning of its fields is compared as well. Tolerances as in README.md: 16 times the difference
between the run in float32 and the same run in float64, where whatever is cast to float32 inside is cast to float64.

usage: families.py OUT   (OUT/bases and OUT/cases are filled)
"""
import json
import math
import pathlib
import shutil
import sys
import tempfile

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file

COMMON = {
    "hidden_size": 16, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 31, "max_position_embeddings": 64, "attention_dropout": 0.0,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "rms_norm_eps": 1e-6, "torch_dtype": "float16",
}
FAMILIES = {
    "mistral": {
        "architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_act": "silu", "sliding_window": 5,
        "rope_theta": 10000.0, "tie_word_embeddings": False},
    "qwen2-window": {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_act": "silu", "sliding_window": 4,
        "use_sliding_window": True, "max_window_layers": 1, "rope_theta": 1000000.0, "tie_word_embeddings": False},
    "qwen3": {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_act": "silu", "head_dim": 6,
        "attention_bias": True, "sliding_window": None, "use_sliding_window": False, "max_window_layers": 2,
        "rope_theta": 1000000, "rope_scaling": None, "tie_word_embeddings": True},
    "gemma": {
        "architectures": ["GemmaForCausalLM"], "model_type": "gemma", "hidden_act": "gelu", "hidden_activation": None,
        "head_dim": 6, "num_key_value_heads": 1, "rope_theta": 10000.0},
    "gemma2": {
        "architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "hidden_act": "gelu_pytorch_tanh",
        "hidden_activation": "gelu_pytorch_tanh", "head_dim": 6, "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 3.0, "query_pre_attn_scalar": 9, "sliding_window": 4, "cache_implementation": "hybrid",
        "rope_theta": 10000.0},
    "gemma3": {
        "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "hidden_activation": "gelu_pytorch_tanh",
        "num_hidden_layers": 3, "head_dim": 6, "attn_logit_softcapping": None, "final_logit_softcapping": None,
        "query_pre_attn_scalar": 9, "sliding_window": 4, "sliding_window_pattern": 2, "rope_theta": 1000000,
        "rope_local_base_freq": 10000, "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "cache_implementation": "hybrid"},
    "phi3": {
        "architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "hidden_act": "silu", "sliding_window": 7,
        "resid_pdrop": 0.0, "embd_pdrop": 0.0, "original_max_position_embeddings": 64, "attention_bias": False,
        "rope_theta": 10000.0, "rope_scaling": None, "tie_word_embeddings": False},
}
TARGETS = ["q_proj", "k_proj", "v_proj", "gate_proj", "qkv_proj", "gate_up_proj"]
STEPS = 2
OPTIMIZER = {"optimizer": "torch.optim.AdamW", "betas": [0.9, 0.95], "eps": 1e-6, "steps": STEPS, "max_grad_norm": 1.0,
             "amsgrad": False, "lr": 0.002, "weight_decay": 0.01, "schedule": {"type": "constant"}}


def write_base(folder, fields, seed):
    """A random checkpoint; norm weights lie around 1, or around 0 where the family adds them to 1."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(fields, indent=1))
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(folder))
    center = 0.0 if fields["model_type"].startswith("gemma") else 1.0
    tensors = {}
    for name, p in model.named_parameters():
        values = torch.randn(p.shape)
        tensors[name] = center + 0.2 * values if "norm" in name else values * (0.5 if p.dim() == 1 else 0.35)
    if model.config.tie_word_embeddings:
        tensors.pop("lm_head.weight", None)
    halves = {name: values.half() for name, values in tensors.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})


def make_batches(seed):
    """Two batches of two rows; the first is padded on the right, the second on the left."""
    generator = torch.Generator().manual_seed(seed)
    batches = []
    for side in ("right", "left"):
        rows = {"input_ids": [], "attention_mask": [], "labels": []}
        for count in (12, 9):
            ids = [1] + torch.randint(3, 31, (count - 2,), generator=generator).tolist() + [2]
            pad = [0] * (12 - count)
            prompt = 4
            own = {"input_ids": ids, "attention_mask": [1] * count, "labels": [-100] * prompt + ids[prompt:]}
            for key, values in own.items():
                filler = [-100] * len(pad) if key == "labels" else pad
                rows[key].append(values + filler if side == "right" else filler + values)
        batches.append(rows)
    return batches


class AsFloat64:
    """While active, what is cast to float32 becomes float64."""

    def __enter__(self):
        self.float, self.softmax = torch.Tensor.float, torch.nn.functional.softmax
        torch.Tensor.float = torch.Tensor.double
        torch.nn.functional.softmax = lambda x, dim=None, dtype=None, **_: self.softmax(x, dim=dim)

    def __exit__(self, *_):
        torch.Tensor.float, torch.nn.functional.softmax = self.float, self.softmax


def take_steps(model, tensors, forward, name_of, rows):
    """The steps over these batches, and the merge: what `run` returns. `forward(batch)` gives logits and loss, `name_of` the
    stored name of a parameter, `rows` how many rows of the first batch the merged model answers."""
    parameters = {name_of(n): p for n, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(parameters.values(), lr=OPTIMIZER["lr"], betas=OPTIMIZER["betas"],
                                  eps=OPTIMIZER["eps"], weight_decay=OPTIMIZER["weight_decay"])
    out = {"losses": [], "grad_norms": []}
    for step in range(STEPS):
        optimizer.zero_grad()
        logits, loss = forward(tensors[step % len(tensors)])
        loss.backward()
        if step == 0:
            out["logits"] = logits.detach().double()
            out["grads"] = {n: p.grad.clone().double() for n, p in parameters.items()}
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), OPTIMIZER["max_grad_norm"])
        out["losses"].append(loss.item())
        out["grad_norms"].append(norm.item())
        optimizer.step()
    with torch.no_grad():
        out["loss_after"] = forward(tensors[0])[1].item()
        out["final"] = {n: p.detach().double() for n, p in parameters.items()}
        if next(iter(parameters.values())).dtype == torch.float32:
            with tempfile.TemporaryDirectory() as folder:
                model.save_pretrained(folder)
                out["saved"] = {f.name: f.read_bytes() for f in pathlib.Path(folder).glob("adapter_*")}
        merged = model.merge_and_unload()
        out["merged"] = {n: p.detach().double() for n, p in merged.named_parameters()}
        first = {k: v[:rows] for k, v in tensors[0].items() if k != "labels"}
        out["merged_logits"] = merged(**first).logits.double()
    return out


def run(base, adapter, batches, dtype):
    """Everything that is compared, as float64 arrays; `final` holds the adapter after the steps."""
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=dtype, attn_implementation="eager")
    for module in model.modules():
        if hasattr(module, "scalar_embed_scale"):  # is a float32 buffer else
            module.embed_scale = torch.tensor(module.scalar_embed_scale, dtype=dtype)
    model = peft.PeftModel.from_pretrained(model, adapter, is_trainable=True, autocast_adapter_dtype=False).to(dtype)
    tensors = [{k: torch.tensor(v) for k, v in b.items()} for b in batches]

    def forward(batch):
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        labels = batch["labels"][:, 1:]
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), labels.reshape(-1))
        return logits, loss

    return take_steps(model, tensors, forward, stored_name, rows=1)


def stored_name(name):
    """The name of a parameter in adapter_model.safetensors."""
    return name.replace(".default", "").replace("lora_magnitude_vector.weight", "lora_magnitude_vector")


def rounded_up(value):
    if value == 0:
        return 0.0
    unit = 10.0 ** math.floor(math.log10(value))
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.0e}")


def tolerance(a, b):
    a, b = (torch.as_tensor(x, dtype=torch.float64).flatten() for x in (a, b))
    difference = (a - b).abs()
    largest, rms = difference.max().item(), difference.square().mean().sqrt().item()
    floor = 2e-6 * b.abs().max().item()
    return {"atol": rounded_up(max(16 * largest, floor)), "rms_tol": rounded_up(max(16 * rms, floor))}


def make(name, fields, out, seed):
    base = out / "bases" / name
    write_base(base, {**COMMON, **fields}, seed)
    # Both factors random, so that both have gradients in the first step.
    config = peft.LoraConfig(r=2, lora_alpha=3, target_modules=TARGETS, task_type="CAUSAL_LM", init_lora_weights=False)
    make_case(out / "cases" / f"13-lora-{name}", base, config, seed, "families.py", ("qkv", "q_proj"))


def make_case(case, base, config, seed, script, shown_parts):
    """`shown_parts`: parts of the names of the merged weights that are kept, of the last block or outside the blocks."""
    name = base.name
    case.mkdir(parents=True)
    batches = make_batches(seed)
    (case / "inputs.json").write_text(json.dumps({"batches": batches}))
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    last = model.config.num_hidden_layers - 1
    adapted = peft.get_peft_model(model, config)
    adapted.save_pretrained(case / "adapter_init")
    trainable = [stored_name(n) for n, p in adapted.named_parameters() if p.requires_grad]

    single = run(base, case / "adapter_init", batches, torch.float32)
    with AsFloat64():
        double = run(base, case / "adapter_init", batches, torch.float64)
    folder = case / "adapter_final"
    folder.mkdir()
    for file, content in single["saved"].items():
        (folder / file).write_bytes(content)
    for kept in ("adapter_init", "adapter_final"):
        for file in (case / kept).iterdir():
            if not file.name.startswith("adapter_"):
                file.unlink()
        path = case / kept / "adapter_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": name}, separators=(',', ':')))

    shown = [n for n in single["merged"] if ("layers." not in n or f"layers.{last}." in n)
             and any(part in n for part in shown_parts)]
    changed = sorted(n.replace("base_model.model.", "").replace(".lora_A.weight", ".weight")
                     .replace(".lora_B.bias", ".bias").replace(".lora_embedding_A", ".weight")
                     for n in trainable if ".lora_A." in n or ".lora_embedding_A" in n or n.endswith(".lora_B.bias"))
    rates = [[OPTIMIZER["lr"]]] * STEPS
    both = lambda key: (single[key], double[key])
    each = lambda key, names: {n: tolerance(single[key][n], double[key][n]) for n in names}
    expected = {
        "logits_rows": 1, "loss": single["losses"][0], "loss_f64": double["losses"][0],
        "losses": single["losses"], "losses_f64": double["losses"], "learning_rates": rates,
        "grad_norms_before_clipping": single["grad_norms"], "loss_after_training_batch0": single["loss_after"],
        "merged_changed_tensors": changed, "ignore": {},
        "tolerance": {
            "logits": tolerance(single["logits"][:1], double["logits"][:1]), "loss": {"atol": 2e-5}, "losses": {"atol": 2e-5},
            "grad_norms_before_clipping": tolerance(*both("grad_norms")),
            "grads": each("grads", trainable), "final": each("final", trainable),
            "merged": each("merged", shown), "merged_logits": tolerance(*both("merged_logits")),
        },
    }
    (case / "expected.json").write_text(json.dumps(expected, separators=(',', ':')))
    flat = {"logits": single["logits"][:1], "merged_logits": single["merged_logits"],
            **{f"grad.{n}": g for n, g in single["grads"].items()}}
    save_file({n: t.float().contiguous() for n, t in flat.items()}, case / "expected.safetensors")
    save_file({n: single["merged"][n].float().contiguous() for n in shown}, case / "merged.safetensors")
    (case / "case.json").write_text(json.dumps(
        {"kind": "adapter", "base": name, "optimizer": OPTIMIZER, "note": f"test/golden/{script}", "trainable": trainable},
        separators=(',', ':')))
    print(name, "losses", single["losses"], double["losses"])


def main():
    out = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    for seed, (name, fields) in enumerate(FAMILIES.items(), start=71):
        for folder in (out / "bases" / name, out / "cases" / f"13-lora-{name}"):
            shutil.rmtree(folder, ignore_errors=True)
        make(name, fields, out, seed)


if __name__ == "__main__":
    main()
