"""Makes the cases 17-*: methods at awkward sizes and settings, on tiny bases of odd widths, for a few steps each.

Ranks above the widths, one head of keys, weights in 16 bits and in shards, trained biases,
embeddings and classifiers, restarts that are not at half the run, chains of several blocks. What no library computes is
written out in references.py.

usage: awkward.py OUT   (OUT/bases and OUT/cases are filled)
"""
import math
import pathlib
import sys

import peft
import peft.optimizers
import torch

from references import (
    PREFIX, Direction, Linked, LinkedSubject, LowRank, OwnSubject, PeftSubject, Square, chains, fresh_tensors, make_batches,
    own_init, peft_init, restart, write_base, write_case)

PAD = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 9, "intermediate_size": 13,
    "num_hidden_layers": 4, "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 4, "vocab_size": 29,
    "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "attention_dropout": 0.0,
    "tie_word_embeddings": False, "torch_dtype": "bfloat16", **PAD}
GPT2 = {
    "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 9, "n_layer": 3, "n_head": 3, "n_inner": 14,
    "vocab_size": 31, "n_positions": 24, "n_ctx": 24, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
    "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "tie_word_embeddings": True, **PAD}
ROBERTA = {
    "architectures": ["RobertaForSequenceClassification"], "model_type": "roberta", "hidden_size": 10, "intermediate_size": 7,
    "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": 23, "max_position_embeddings": 20, "type_vocab_size": 1,
    "layer_norm_eps": 1e-5, "hidden_act": "gelu", "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    "classifier_dropout": 0.0, "id2label": {str(i): f"L{i}" for i in range(4)}, "label2id": {f"L{i}": i for i in range(4)},
    "problem_type": "single_label_classification", "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
BASES = {
    "llama-odd": (LLAMA, {"dtype": torch.bfloat16, "shards": 2}),
    "gpt2-odd": (GPT2, {}),
    "roberta-odd": (ROBERTA, {}),
}
QUICK = {"lr": 0.004, "weight_decay": 0.1, "betas": [0.8, 0.95], "eps": 1e-5, "steps": 4, "max_grad_norm": 0.2,
         "schedule": {"type": "cosine", "warmup_steps": 1, "total_steps": 6}}
PLAIN = {"lr": 0.003, "weight_decay": 0.01, "betas": [0.9, 0.999], "eps": 1e-6, "steps": 4, "max_grad_norm": None,
         "schedule": {"type": "constant"}}
DROPPED = "state dropped (moments zero, step count back to 0)"


class Maker:
    def __init__(self, out):
        self.out = out
        for seed, (name, (fields, options)) in enumerate(BASES.items(), start=161):
            write_base(out / "bases" / name, fields, seed, **options)

    def write(self, name, base, kind, optimizer, make, init, side="right", **rest):
        """`make(folder)` gives the function of a precision that makes the subject."""
        hooks, ignore, fields = rest.pop("hooks", None), rest.pop("ignore", None), BASES[base][0]
        folder = self.out / "cases" / name
        case = {"kind": kind, "note": "test/golden/awkward.py", **rest,
                "optimizer": {"optimizer": "torch.optim.AdamW", "amsgrad": False, **optimizer}}
        batches = make_batches(fields, 166, (side,) * 2, ((8, 6), (5, 7)))
        write_case(folder, self.path(base), case, batches, make(folder), hooks, ignore, init, last_block)

    def path(self, base):
        return self.out / "bases" / base

    def peft(self, name, base, config, optimizer, frozen=(), groups=None, random_b=0.05, values=None, **rest):
        path = self.path(base)
        init = peft_init(path, config, 167, random_b, values)
        if groups:
            init(self.out / "groups")
            rest["optimizer_groups"] = groups(PeftSubject(path, self.out / "groups", torch.float32))
            for file in (self.out / "groups").iterdir():
                file.unlink()
            (self.out / "groups").rmdir()
        self.write(name, base, "adapter", optimizer,
                   lambda folder: lambda dtype: PeftSubject(path, folder / "adapter_init", dtype, frozen), init, **rest)

    def own(self, name, base, kind, optimizer, targets, layer, config, trained=(), deviation=0.0, subject=OwnSubject, given=None,
            prepare=lambda layers: None, options=None, **rest):
        path, options = self.path(base), options or {}
        torch.manual_seed(168)
        fresh = OwnSubject(path, None, torch.float32, targets, layer, trained, prepare)
        fields = {"target_modules": list(targets), "fan_in_fan_out": base.startswith("gpt2"),
                  "task_type": "SEQ_CLS" if base.startswith("roberta") else "CAUSAL_LM", **config}
        init = own_init(path, fields, {**fresh_tensors(fresh, 169, deviation), **(given or {})})
        self.write(name, base, kind, optimizer, lambda folder: lambda dtype: subject(
            path, folder / "adapter_init", dtype, targets, layer, trained, prepare, **options), init, **rest)


def last_block(name):
    """Merged weights that are kept."""
    return any(part in name for part in (".3.", "h.2.", "layer.2.", "classifier", "wte", "embed_tokens", "lm_head"))


def key_biases(layers, width):
    """Their gradient is 0 but for rounding, which Adam would make steps of."""
    return {f"{PREFIX}transformer.h.{i}.attn.c_attn.base_layer.bias": [width, 2 * width] for i in range(layers)}


def embedding_groups(rate, ratio, decay):
    """The groups of PEFT's helper for LoRA+."""
    def make(subject):
        adam = peft.optimizers.create_loraplus_optimizer(
            model=subject.model, optimizer_cls=torch.optim.AdamW, lr=rate, loraplus_lr_ratio=ratio, loraplus_weight_decay=decay)
        names = {id(p): n for n, p in subject.params.items()}
        return [{"lr": g["lr"], "weight_decay": g["weight_decay"], "params": [names[id(p)] for p in g["params"]]}
                for g in adam.param_groups]
    return make


def wide(name, p):
    """A random first factor of more rows than columns, and 0 for the second."""
    return torch.randn(p.shape) / math.sqrt(p.shape[1]) if "lora_A" in name else torch.zeros_like(p)


def main():
    maker = Maker(pathlib.Path(sys.argv[1]))
    torch.set_num_threads(1)
    lora = lambda **fields: peft.LoraConfig(task_type="CAUSAL_LM", **fields)
    gpt2 = {"fan_in_fan_out": True}
    maker.peft("17-lora-bias-all", "gpt2-odd", lora(r=2, lora_alpha=3, target_modules=["c_attn", "c_proj"], bias="all", **gpt2), QUICK,
               ignore=key_biases(3, 9))
    maker.peft("17-lora-tied-embedding-saved", "gpt2-odd",
               lora(r=2, lora_alpha=3, target_modules=["c_fc"], modules_to_save=["wte"], **gpt2), QUICK)
    rate = {**QUICK, "lr": 0.0007, "weight_decay": None, "loraplus_lr_ratio": 8, "loraplus_weight_decay": 0.1}
    maker.peft("17-loraplus-embedding", "llama-odd", lora(r=2, lora_alpha=3, target_modules=["embed_tokens", "q_proj"]), rate,
               groups=embedding_groups(0.0007, 8, 0.1))
    maker.peft("17-asylora-wide", "gpt2-odd", lora(r=20, lora_alpha=7, use_rslora=True, target_modules=["c_fc"], **gpt2), PLAIN,
               frozen=("lora_A",), values=wide, side="left")
    maker.peft("17-vera-projections-left-out", "gpt2-odd", peft.VeraConfig(
        task_type="CAUSAL_LM", r=20, projection_prng_key=161, target_modules=["c_attn", "c_fc"], save_projection=False,
        bias="vera_only", **gpt2), {**QUICK, "lr": 0.02},
        ignore=key_biases(3, 9))

    generator = torch.Generator().manual_seed(162)
    A, B = torch.randn(5, 13, generator=generator) / 3, torch.randn(12, 5, generator=generator) / 2
    maker.own("17-dvora", "llama-odd", "adapter", PLAIN, ("q_proj", "k_proj", "down_proj"), lambda p, l: Direction(p, l, A, B, 0.2),
              {"peft_type": "VERA", "use_dora": True, "r": 5, "d_initial": 0.2, "projection_prng_key": 0, "save_projection": True,
               "vera_dropout": 0.0, "init_weights": True}, deviation=0.1, given={"base_model.vera_A": A, "base_model.vera_B": B})
    maker.own("17-mora-wider-than-the-layer", "llama-odd", "adapter", QUICK, ("k_proj",), lambda p, l: Square(p, l, 40, 6),
              {"use_mora": True, "mora_type": 6, "r": 40}, deviation=0.02, method="mora", side="left")
    maker.own("17-remora-back-to-the-first", "gpt2-odd", "relora", PLAIN, ("c_attn", "c_fc"), lambda p, l: Square(p, l, 1, 4),
              {"use_mora": True, "mora_type": 4, "r": 1}, merge_after_step=1, mora_type_before=4, mora_type_after=1,
              optimizer_reset=DROPPED, hooks={"restart": restart("drop", next_kind=1)})
    pruned = "magnitude pruning: entries with |x| <= the given quantile become 0; step counter kept"
    maker.own("17-relora-classifier", "roberta-odd", "relora", {**PLAIN, "eps": 1e-3, "magnitude_pruning": 0.6}, ("query", "value"),
              lambda p, l: LowRank(p, l, 3, 5 / 3), {"r": 3, "lora_alpha": 5, "modules_to_save": ["classifier"]},
              trained=("classifier",), deviation=0.05, merge_after_step=3, optimizer_reset=pruned,
              hooks={"restart": restart("magnitude", 0.6)})
    for name, variant, links, by, window in (("is-weights", "is", 3, 3, 100), ("ms-window", "ms", 2, 4, 2)):
        linked = lambda p, l, v=variant, n=links: Linked(p, l, 3, 4 / 3, v, n)
        maker.own(f"17-reslora-{name}", "llama-odd", "reslora", PLAIN, ("q_proj", "down_proj"), linked, {"r": 3, "lora_alpha": 4},
                  deviation=0.05, subject=LinkedSubject, prepare=chains, options={"by": by, "window": window}, variant=variant,
                  pre_num=links, merge_flag=by, window_length=window)


if __name__ == "__main__":
    main()
