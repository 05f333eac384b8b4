"""Makes the cases 15-*: tiny random BERT models in 16 bits that answer for pairs of texts, LoRA beside the trained head, two
steps, merged. Padding on the right in one batch and on the left in the other; token types say which text a token is of.

Shares its rules with families.py.

usage: encoders.py OUT   (OUT/bases and OUT/cases are filled)
"""
import json
import pathlib
import shutil
import sys

import peft
import torch
import transformers
from safetensors.torch import save_file

from families import AsFloat64, OPTIMIZER, STEPS, take_steps, tolerance

COMMON = {
    "architectures": ["BertForSequenceClassification"], "model_type": "bert", "hidden_size": 16, "intermediate_size": 12,
    "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 31, "max_position_embeddings": 20, "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "layer_norm_eps": 1e-12, "pad_token_id": 0,
    "type_vocab_size": 2, "initializer_range": 0.02, "position_embedding_type": "absolute", "torch_dtype": "float16",
}
MODELS = {
    "bert": {"id2label": {"0": "no", "1": "maybe", "2": "yes"}, "label2id": {"no": 0, "maybe": 1, "yes": 2},
             "problem_type": "single_label_classification"},
    "bert-regression": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}, "problem_type": "regression"},
}
TARGETS = ["query", "key", "value", "dense"]


def write_base(folder, fields, seed):
    """A random checkpoint; norm weights lie around 1."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(fields, indent=1))
    torch.manual_seed(seed)
    model = transformers.AutoModelForSequenceClassification.from_config(transformers.AutoConfig.from_pretrained(folder))
    tensors = {}
    for name, p in model.named_parameters():
        values = torch.randn(p.shape)
        is_norm = "LayerNorm.weight" in name
        tensors[name] = 1 + 0.2 * values if is_norm else values * (0.5 if p.dim() == 1 else 0.35)
    save_file({n: t.half() for n, t in tensors.items()}, folder / "model.safetensors", metadata={"format": "pt"})


def make_batches(seed, is_number):
    generator = torch.Generator().manual_seed(seed)
    batches = []
    for side in ("right", "left"):
        rows = {"input_ids": [], "attention_mask": [], "token_type_ids": [], "labels": []}
        for count, second in ((12, 5), (9, 4), (7, 3)):
            ids = [1] + torch.randint(3, 31, (count - 2,), generator=generator).tolist() + [2]
            pad = [0] * (12 - count)
            own = {"input_ids": ids, "attention_mask": [1] * count, "token_type_ids": [0] * (count - second) + [1] * second}
            for key, values in own.items():
                rows[key].append(values + pad if side == "right" else pad + values)
            label = torch.randn((), generator=generator).item() if is_number else torch.randint(3, (), generator=generator).item()
            rows["labels"].append(label)
        batches.append(rows)
    return batches


def run(base, adapter, batches, dtype):
    """Everything that is compared, as float64 arrays; `final` holds the adapter after the steps."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(base, dtype=dtype, attn_implementation="eager")
    is_number = model.config.problem_type == "regression"
    model = peft.PeftModel.from_pretrained(model, adapter, is_trainable=True, autocast_adapter_dtype=False).to(dtype)
    plain = lambda name: name.replace(".modules_to_save.default", "").replace(".default", "")
    tensors = [{k: torch.tensor(v) for k, v in b.items()} for b in batches]

    def inputs(batch):
        return {k: v for k, v in batch.items() if k != "labels"}

    def forward(batch):
        logits = model(**inputs(batch)).logits
        labels = batch["labels"]
        if is_number:
            return logits, torch.nn.functional.mse_loss(logits.squeeze(-1), labels.to(dtype))
        return logits, torch.nn.functional.cross_entropy(logits, labels)

    return take_steps(model, tensors, forward, plain, rows=len(batches[0]["labels"]))


def make(name, fields, out, seed):
    base, case = out / "bases" / name, out / "cases" / f"15-lora-{name}"
    write_base(base, {**COMMON, **fields}, seed)
    case.mkdir(parents=True)
    batches = make_batches(seed, fields["problem_type"] == "regression")
    (case / "inputs.json").write_text(json.dumps({"batches": batches}))
    torch.manual_seed(seed)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(base, dtype=torch.float32)
    # Both factors random, so that both have gradients in the first step.
    config = peft.LoraConfig(r=2, lora_alpha=3, target_modules=TARGETS, task_type="SEQ_CLS", init_lora_weights=False)
    peft.get_peft_model(model, config).save_pretrained(case / "adapter_init")

    single = run(base, case / "adapter_init", batches, torch.float32)
    with AsFloat64():
        double = run(base, case / "adapter_init", batches, torch.float64)
    trainable = sorted(single["grads"])
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

    plain = lambda n: n.replace("base_model.model.", "").replace(".lora_A.weight", ".weight")
    changed = sorted(plain(n) for n in trainable if ".lora_B." not in n)
    shown = [n for n in changed if "layer.1." in n or not n.startswith("bert.encoder")]
    both = lambda key: (single[key], double[key])
    each = lambda key, names: {n: tolerance(single[key][n], double[key][n]) for n in names}
    expected = {
        "logits_rows": 3, "loss": single["losses"][0], "loss_f64": double["losses"][0],
        "losses": single["losses"], "losses_f64": double["losses"], "learning_rates": [[OPTIMIZER["lr"]]] * STEPS,
        "grad_norms_before_clipping": single["grad_norms"], "loss_after_training_batch0": single["loss_after"],
        "merged_changed_tensors": changed, "ignore": {},
        "tolerance": {
            "logits": tolerance(*both("logits")), "loss": {"atol": 2e-5}, "losses": {"atol": 2e-5},
            "grad_norms_before_clipping": tolerance(*both("grad_norms")),
            "grads": each("grads", trainable), "final": each("final", trainable),
            "merged": each("merged", shown), "merged_logits": tolerance(*both("merged_logits")),
        },
    }
    (case / "expected.json").write_text(json.dumps(expected, separators=(',', ':')))
    flat = {"logits": single["logits"], "merged_logits": single["merged_logits"],
            **{f"grad.{n}": g for n, g in single["grads"].items()}}
    save_file({n: t.float().contiguous() for n, t in flat.items()}, case / "expected.safetensors")
    save_file({n: single["merged"][n].float().contiguous() for n in shown}, case / "merged.safetensors")
    (case / "case.json").write_text(json.dumps(
        {"kind": "adapter", "base": name, "optimizer": OPTIMIZER, "note": "test/golden/encoders.py", "trainable": trainable},
        separators=(',', ':')))
    print(name, "losses", single["losses"], double["losses"])


def main():
    out = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    for seed, (name, fields) in enumerate(MODELS.items(), start=91):
        for folder in (out / "bases" / name, out / "cases" / f"15-lora-{name}"):
            shutil.rmtree(folder, ignore_errors=True)
        make(name, fields, out, seed)


if __name__ == "__main__":
    main()
