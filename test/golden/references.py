"""References for golden cases that no library computes: MoRA, ResLoRA, DVoRA and LoRA that is merged and begun anew, written from the
formulas of the methods' papers with autograd, and one way to run any of them, or PEFT, or plain models, with every quantity of a case.

`run` gives the numbers of one precision; `write_case` runs both, in float32 and float64, and writes the folder. Used by awkward.py.
"""
import json
import math
import shutil

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.pytorch_utils import Conv1D

from families import AsFloat64, stored_name, tolerance

PREFIX = "base_model.model."


# ---- models and data -------------------------------------------------------------------------------------------------

def write_base(folder, fields, seed, dtype=torch.float32, shards=1, rename=lambda name: name):
    """A random checkpoint in `dtype`; norm weights lie around 1. `rename`: how the file calls a tensor."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(fields, indent=1))
    torch.manual_seed(seed)
    model = auto_class(fields).from_config(transformers.AutoConfig.from_pretrained(folder))
    tensors = {}
    for name, p in model.named_parameters():
        values = torch.randn(p.shape)
        is_norm = name.endswith("weight") and p.dim() == 1
        tensors[rename(name)] = (1 + 0.2 * values if is_norm else values * (0.4 if p.dim() == 1 else 0.25)).to(dtype)
    names = sorted(tensors)
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    index = {"metadata": {"total_size": sum(t.nbytes for t in tensors.values())}, "weight_map": {}}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        save_file({n: tensors[n] for n in names[i::shards]}, folder / file, metadata={"format": "pt"})
        index["weight_map"].update({n: file for n in names[i::shards]})
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def auto_class(fields):
    is_sequence = "Sequence" in fields["architectures"][0]
    return transformers.AutoModelForSequenceClassification if is_sequence else transformers.AutoModelForCausalLM


def make_batches(fields, seed, sides=("right", "right", "right"), lengths=((9, 7), (6, 5, 8), (10,))):
    """One batch for each of `lengths`, padded on the side that `sides` says. Every text begins with a prompt without loss."""
    generator = torch.Generator().manual_seed(seed)
    is_sequence = "Sequence" in fields["architectures"][0]
    classes = len(fields.get("id2label", {}))
    pad_id = fields["pad_token_id"]
    batches = []
    for side, counts in zip(sides, lengths):
        batch = {"input_ids": [], "attention_mask": [], "labels": []}
        for count in counts:
            ids = torch.randint(3, fields["vocab_size"], (count,), generator=generator).tolist()
            own = {"input_ids": ids, "attention_mask": [1] * count, "labels": [-100] * 2 + ids[2:]}
            pad = {"input_ids": pad_id, "attention_mask": 0, "labels": -100}
            for key, values in own.items():
                filler = [pad[key]] * (max(counts) - count)
                batch[key].append(values + filler if side == "right" else filler + values)
        if is_sequence:
            batch["labels"] = [
                torch.randint(-3, 4, (), generator=generator).item() / 4 if classes == 1
                else torch.randint(classes, (), generator=generator).item() for _ in counts]
        batches.append(batch)
    return batches


def loss_of(model, batch, dtype):
    """Logits and loss as the README beside this file says."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    labels = batch["labels"]
    if labels.dim() == 1:
        if logits.shape[-1] == 1:
            return logits, torch.nn.functional.mse_loss(logits.squeeze(-1), labels.to(dtype))
        return logits, torch.nn.functional.cross_entropy(logits, labels)
    flat = logits[:, :-1].reshape(-1, logits.shape[-1])
    return logits, torch.nn.functional.cross_entropy(flat, labels[:, 1:].reshape(-1))


# ---- schedules -------------------------------------------------------------------------------------------------------

def linear(step, warmup, total):
    return step / max(1, warmup) if step < warmup else max(0.0, (total - step) / max(1, total - warmup))


def cosine(step, warmup, total):
    if step < warmup:
        return step / max(1, warmup)
    return max(0.0, 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup))))


def decay(progress, least):
    return least + (1 - least) * (1 + math.cos(math.pi * progress)) / 2


def cosine_restarts(step, total, every, warmup, restart_warmup, least, adjust=0):
    if step < warmup:
        return step / max(1, warmup)
    at = step + adjust
    inside, cycle = at % every, at // every
    if inside < restart_warmup and step >= every:
        end = (cycle * every + restart_warmup - warmup) / max(1, total - warmup)
        return inside / max(1, restart_warmup) * decay(end, least)
    return decay((at - warmup) / max(1, total - warmup), least)


def cyclical_cosine(step, warmup, every, least):
    inside = step % every
    if inside < warmup:
        return 1e-7 if step != inside and inside < 2 else inside / max(1, warmup)
    return decay((inside - warmup) / max(1, every - warmup), least)


def factor(case, step):
    """Of the base learning rate at a step from 0."""
    own = case.get("schedule")
    if own:
        if own["scheduler_type"] == "cyclical_cosine":
            return cyclical_cosine(step, own["warmup_steps"], own["cycle_length"], own["min_lr_ratio"])
        return cosine_restarts(step, own["num_training_steps"], own["cycle_length"], own["warmup_steps"],
                               own["restart_warmup_steps"], own["min_lr_ratio"])
    schedule = case["optimizer"]["schedule"]
    rule = {"constant": lambda *_: 1.0, "linear": linear, "cosine": cosine}[schedule["type"]]
    return rule(step, schedule.get("warmup_steps", 0), schedule.get("total_steps", 0))


# ---- layers that are wrapped -----------------------------------------------------------------------------------------

class Wrapped(torch.nn.Module):
    """A linear layer, of either layout, with a branch beside it."""

    def __init__(self, path, base):
        super().__init__()
        self.path, self.base = path, base
        self.transposed = isinstance(base, Conv1D)
        for p in base.parameters():
            p.requires_grad_(False)

    def weight(self):
        """[out, in]"""
        return self.base.weight.T if self.transposed else self.base.weight

    def add_(self, delta):
        with torch.no_grad():
            self.base.weight += delta.T if self.transposed else delta

    def own(self):
        """Parameters by the name in the file."""
        return {f"{PREFIX}{self.path}.{name}": p for name, p in self.parts().items()}

    def forward(self, x):
        return self.base(x) + self.branch(x)

    def branch(self, x):
        return x @ self.delta().T

    def merge(self):
        self.add_(self.delta())


class LowRank(Wrapped):
    def __init__(self, path, base, rank, scaling):
        super().__init__(path, base)
        out, wide = self.weight().shape
        self.s = scaling
        self.A = torch.nn.Parameter(torch.randn(rank, wide, dtype=base.weight.dtype) / math.sqrt(wide))
        self.B = torch.nn.Parameter(torch.zeros(out, rank, dtype=base.weight.dtype))

    def parts(self):
        return {"lora_A.weight": self.A, "lora_B.weight": self.B}

    def delta(self):
        return self.s * self.B @ self.A

    def branch(self, x):
        return self.s * (x @ self.A.T) @ self.B.T


class Square(Wrapped):
    """MoRA: ΔW as a function of M from the entrywise formulas of compress and decompress, one dense matrix each."""

    def __init__(self, path, base, rank, kind):
        super().__init__(path, base)
        out, wide = self.weight().shape
        size = int(math.sqrt((out + wide) * rank) + 0.5)
        self.size = size // 2 * 2 if kind == 6 else size
        self.M = torch.nn.Parameter(torch.zeros(self.size, self.size, dtype=base.weight.dtype))
        self.kind = kind

    def parts(self):
        return {"lora_A.weight": self.M}

    def delta(self):
        out, wide = self.weight().shape
        return square_delta(self.M, wide, out, self.kind)


def square_delta(M, wide, out, kind):
    size = M.shape[0]
    if kind == 6:
        blocks = -(-wide // size)
        rows = []
        for b in range(blocks):
            turn = torch.zeros(size, size, dtype=torch.float64)
            half = size // 2
            for j in range(half):
                angle = b * 10000.0 ** (-2 * j / size)
                turn[j, j] = turn[j + half, j + half] = math.cos(angle)
                turn[j, j + half], turn[j + half, j] = -math.sin(angle), math.sin(angle)
            pick = torch.zeros(size, wide, dtype=torch.float64)
            for c in range(size):
                pick[c, (b * size + c) % wide] += 1
            rows.append(M @ (turn @ pick).to(M.dtype))
        flat = torch.cat(rows)
        return flat[[i % (blocks * size) for i in range(out)]]
    compress, decompress = torch.zeros(size, wide), torch.zeros(out, size)
    if kind in (1, 4):
        for t in range(-(-wide // size) * size):
            compress[t % size, t % wide] += 1
    else:
        for group, members in enumerate(adjacent(wide, size)):
            compress[group, members] = 1
    if kind in (1, 3):
        for i in range(out):
            decompress[i, i % size] = 1
    else:
        for group, members in enumerate(adjacent(out, size)):
            decompress[members, group] = 1
    return decompress.to(M.dtype) @ M @ compress.to(M.dtype)


def adjacent(width, size):
    """Neighbours in `size` groups, the first ones one longer."""
    least, more = divmod(width, size)
    groups, at = [], 0
    for g in range(size):
        count = least + (g < more)
        groups.append(list(range(at, at + count)))
        at += count
    return groups


class Linked(LowRank):
    """ResLoRA. `before`: the layers before in its chain, nearest first."""

    def __init__(self, path, base, rank, scaling, variant, links):
        super().__init__(path, base, rank, scaling)
        self.variant, self.links, self.before = variant, links, []
        self.norms_x, self.norms_ax, self.measures = [], [], False

    def link(self, before):
        most = 1 if self.variant == "is" else self.links
        object.__setattr__(self, "before", before[:most])

    def branch(self, x):
        object.__setattr__(self, "x", x)
        if self.measures:
            with torch.no_grad():
                self.norms_x.append(x.norm().item())
                self.norms_ax.append((x @ self.A.T).norm().item())
        if self.variant == "is":
            return super().branch(x + (self.before[0].x if self.before else x))
        if self.variant == "bs":
            return sum(LowRank.branch(layer, x) for layer in [self, *self.before])
        middle = sum(layer.x @ layer.A.T for layer in [self, *self.before])
        return self.s * middle @ self.B.T

    def mean(self, which, window):
        values = (self.norms_x if which == "x" else self.norms_ax)[-window:]
        return sum(values) / len(values)

    def merged_delta(self, by, window):
        """`by`: 3 weights (is) or inputs (ms), 4 inputs (is) or compressed inputs (ms)."""
        own = LowRank.delta(self)
        if self.variant == "bs":
            return own + sum((LowRank.delta(layer) for layer in self.before), torch.zeros_like(own))
        if self.variant == "is":
            if not self.before:
                return 2 * own
            if by == 4:
                return (1 + self.before[0].mean("x", window) / self.mean("x", window)) * own
            nearest = self.before[0]
            if not nearest.before:
                return 2 * own
            norm = lambda layer: (layer.weight() + LowRank.delta(layer)).norm()
            return (1 + norm(nearest.before[0]) / norm(nearest)) * own
        if by == 4:
            share = sum(layer.mean("ax", window) / self.mean("ax", window) for layer in self.before)
            return (1 + share) * own
        A = self.A + sum(layer.mean("x", window) / self.mean("x", window) * layer.A for layer in self.before)
        return self.s * self.B @ A


class Direction(Wrapped):
    """DVoRA: the norm of the direction is a constant of the backward pass."""

    def __init__(self, path, base, A, B, start):
        super().__init__(path, base)
        out, wide = self.weight().shape
        dtype = base.weight.dtype
        self.shared = (A[:, :wide].to(dtype), B[:out].to(dtype))
        self.b = torch.nn.Parameter(torch.zeros(out, dtype=dtype))
        self.d = torch.nn.Parameter(torch.full((A.shape[0],), start, dtype=dtype))
        self.m = torch.nn.Parameter(self.weight().norm(dim=1).detach().clone())

    def parts(self):
        return {"vera_lambda_b": self.b, "vera_lambda_d": self.d, "lora_magnitude_vector": self.m}

    def whole(self):
        A, B = self.shared
        V = self.weight() + (self.b[:, None] * B * self.d) @ A
        return (self.m / V.norm(dim=1).detach())[:, None] * V

    def forward(self, x):
        y = x @ self.whole().T
        return y if self.base.bias is None else y + self.base.bias

    def merge(self):
        self.add_(self.whole() - self.weight())


def wrap(model, targets, make):
    """Puts `make(path, layer)` in the place of each linear layer whose path ends with one of `targets`."""
    layers = []
    for path, module in list(model.named_modules()):
        if isinstance(module, (torch.nn.Linear, Conv1D)) and any(path == t or path.endswith("." + t) for t in targets):
            parent, _, name = path.rpartition(".")
            layer = make(path, module)
            setattr(model.get_submodule(parent), name, layer)
            layers.append(layer)
    return layers


# ---- what is trained -------------------------------------------------------------------------------------------------

def load_base(folder, dtype):
    fields = json.loads((folder / "config.json").read_text())
    return auto_class(fields).from_pretrained(folder, dtype=dtype, attn_implementation="eager")


class Subject:
    """A model with what is trained of it: `params` by stored name. Subclasses say how it is merged and saved."""

    def merged(self):
        """Merges in place; the checkpoint's tensors by name. None: it has no merge."""
        return None

    def extra(self):
        """Frozen tensors of the file."""
        return {}


class PeftSubject(Subject):
    def __init__(self, base, adapter, dtype, frozen=()):
        self.model = peft.PeftModel.from_pretrained(load_base(base, dtype), adapter, is_trainable=True, autocast_adapter_dtype=False)
        self.model.to(dtype)
        self.file = load_file(adapter / "adapter_model.safetensors")
        for name, p in self.model.named_parameters():
            if any(part in name for part in frozen):
                p.requires_grad_(False)
        plain = lambda n: stored_name(n.replace(".modules_to_save.default", ""))
        self.params = {plain(n): p for n, p in self.model.named_parameters() if p.requires_grad}

    def extra(self):
        return {n: t for n, t in self.file.items() if n not in self.params}

    def merged(self):
        self.model.merge_adapter()
        self.model.eval()
        state = {}
        for name, t in self.model.state_dict().items():
            if "lora_" in name or "vera_" in name or "original_module" in name:
                continue
            name = name.removeprefix(PREFIX).replace(".base_layer", "").replace(".modules_to_save.default", "")
            state[name] = t
        return state


class OwnSubject(Subject):
    """`make(path, layer)` wraps the targets; values come from the adapter's file. `trained`: tensors of the base trained too."""

    def __init__(self, base, adapter, dtype, targets, make, trained=(), prepare=lambda layers: None):
        self.model = load_base(base, dtype)
        for p in self.model.parameters():
            p.requires_grad_(False)
        self.layers = wrap(self.model, targets, make)
        prepare(self.layers)
        self.params = {name: p for layer in self.layers for name, p in layer.own().items()}
        self.file = load_file(adapter / "adapter_model.safetensors") if adapter else {}
        for name, p in self.model.named_parameters():
            if any(part in name for part in trained):
                p.requires_grad_(True)
                self.params[PREFIX + name] = p
        for name, p in self.params.items():
            if name in self.file:
                p.data = self.file[name].to(dtype)

    def extra(self):
        return {n: t for n, t in self.file.items() if n not in self.params}

    def merged(self):
        with torch.no_grad():
            deltas = [(layer, self.delta_of(layer)) for layer in self.layers]
            for layer, delta in deltas:
                layer.add_(delta)
                layer.forward = layer.base.forward
        state = {}
        for name, t in self.model.state_dict().items():
            if name.endswith((".base.weight", ".base.bias")) or not any(name.startswith(l.path + ".") for l in self.layers):
                state[name.replace(".base.", ".")] = t
        return state

    def delta_of(self, layer):
        return layer.whole() - layer.weight() if isinstance(layer, Direction) else layer.delta()


class LinkedSubject(OwnSubject):
    def __init__(self, *args, by, window, **kwargs):
        super().__init__(*args, **kwargs)
        self.by, self.window = by, window

    def delta_of(self, layer):
        return layer.merged_delta(self.by, self.window)

    def merged(self):
        return super().merged() if self.by or self.layers[0].variant == "bs" else None


class BaseSubject(Subject):
    """Tensors of the base themselves: those that `trains(name)`."""

    def __init__(self, base, dtype, trains, rename=lambda name: name):
        self.model = load_base(base, dtype)
        for name, p in self.model.named_parameters():
            p.requires_grad_(trains(name))
        self.params = {rename(n): p for n, p in self.model.named_parameters() if p.requires_grad}


def chains(layers):
    """Links each layer with those of the same projection before it."""
    done = {}
    for layer in layers:
        parts = layer.path.split(".")
        key = tuple(p for p in parts if not p.isdigit())
        own = done.setdefault(key, [])
        layer.link(own[::-1])
        own.append(layer)


# ---- a run and its folder --------------------------------------------------------------------------------------------

def groups_of(case, params):
    given = case.get("optimizer_groups")
    o = case["optimizer"]
    return given or [{"lr": o["lr"], "weight_decay": o["weight_decay"], "params": list(params)}]


def run(subject, case, batches, dtype, hooks):
    """Everything that is compared, in float64."""
    params, o = subject.params, case["optimizer"]
    groups = groups_of(case, params)
    adam = torch.optim.AdamW(
        [{"params": [params[n] for n in g["params"]], "lr": g["lr"], "weight_decay": g["weight_decay"]} for g in groups if g["params"]],
        betas=o["betas"], eps=o["eps"])
    tensors = [{k: torch.tensor(v) for k, v in b.items()} for b in batches]
    out = {"losses": [], "grad_norms": [], "rates": [], "extra": {}}
    linked = [l for l in getattr(subject, "layers", []) if isinstance(l, Linked)]
    for step in range(o["steps"]):
        times = factor(case, step)
        used = iter(adam.param_groups)
        for g in groups:
            if g["params"]:
                next(used)["lr"] = g["lr"] * times
        out["rates"].append([g["lr"] * times for g in groups])
        adam.zero_grad()
        for layer in linked:
            layer.measures = True
        logits, loss = loss_of(subject.model, tensors[step % len(tensors)], dtype)
        for layer in linked:
            layer.measures = False
        loss.backward()
        grads = {n: (torch.zeros_like(p) if p.grad is None else p.grad) for n, p in params.items()}
        if step == 0:
            out["logits"] = logits.detach().double()
            out["grads"] = {n: g.clone().double() for n, g in grads.items()}
        norm = torch.sqrt(sum(g.double().square().sum() for g in grads.values()))
        out["losses"].append(loss.item())
        out["grad_norms"].append(norm.item())
        if o["max_grad_norm"] is not None:
            torch.nn.utils.clip_grad_norm_(list(params.values()), o["max_grad_norm"])
        adam.step()
        if step + 1 == case.get("merge_after_step"):
            out["extra"] = hooks["restart"](subject, adam, dtype)
    with torch.no_grad():
        logits, loss = loss_of(subject.model, tensors[0], dtype)
        out["loss_after"], out["logits_after"] = loss.item(), logits.double()
        out["final"] = {n: p.detach().double().clone() for n, p in params.items()}
        out["file"] = {**{n: t.float() for n, t in subject.extra().items()}, **{n: t.float() for n, t in out["final"].items()}}
        state = subject.merged()
        if state is not None:
            logits, loss = loss_of(subject.model, tensors[0], dtype)
            out["merged"] = {n: t.double().clone() for n, t in state.items()}
            out["merged_logits"], out["merged_loss"] = logits.double(), loss.item()
    return out


def write_case(case_dir, base, case, batches, make_subject, hooks=None, ignore=None, init=None, shown=lambda name: True):
    """`make_subject(dtype)`; `init(folder)` writes adapter_init, which it may read; `shown`: merged weights that are kept."""
    hooks = hooks or {}
    shutil.rmtree(case_dir, ignore_errors=True)
    case_dir.mkdir(parents=True)
    (case_dir / "inputs.json").write_text(json.dumps({"batches": batches}))
    if init:
        init(case_dir / "adapter_init")
    single = run(make_subject(torch.float32), case, batches, torch.float32, hooks)
    with AsFloat64():
        double = run(make_subject(torch.float64), case, batches, torch.float64, hooks)
    trainable = sorted(single["grads"])
    is_full = case["kind"] == "full"
    approximate = case["kind"] == "reslora" and case["variant"] != "bs"
    rows = 1 if single["logits"].dim() == 3 else single["logits"].shape[0]
    has_merge = "merged" in single
    after = "merged_loss" if approximate and has_merge else "loss_after"
    both = lambda key: (single[key], double[key])
    each = lambda key: {n: tolerance(single[key][n], double[key][n]) for n in single[key]}
    losses = tolerance([*single["losses"], single[after]], [*double["losses"], double[after]])
    expected = {
        "logits_rows": rows, "loss": single["losses"][0], "loss_f64": double["losses"][0], "losses": single["losses"],
        "losses_f64": double["losses"], "learning_rates": single["rates"], "grad_norms_before_clipping": single["grad_norms"],
        "loss_after_training_batch0": single[after], "ignore": ignore or {},
        "tolerance": {
            "logits": tolerance(single["logits"][:rows], double["logits"][:rows]), "loss": {"atol": losses["atol"]},
            "losses": {"atol": losses["atol"]}, "grad_norms_before_clipping": {"atol": tolerance(*both("grad_norms"))["atol"]},
            "grads": each("grads"), "final": each("final"),
        },
    }
    flat = {"logits": single["logits"][:rows], **{f"grad.{n}": g for n, g in single["grads"].items()}}
    if single["extra"]:
        expected["tolerance"]["extra"] = {n: tolerance(t, double["extra"][n]) for n, t in single["extra"].items()}
        flat.update(single["extra"])
    folder = case_dir / ("." if is_full else "adapter_final")
    folder.mkdir(exist_ok=True)
    values = {n: t.contiguous().clone() for n, t in single["file"].items()}
    save_file(values, folder / ("final.safetensors" if is_full else "adapter_model.safetensors"), metadata={"format": "pt"})
    if not is_full:
        text = (case_dir / "adapter_init" / "adapter_config.json").read_text()
        (folder / "adapter_config.json").write_text(text)
    if has_merge:
        start = {}
        for path in [base / "model.safetensors", *sorted(base.glob("model-*.safetensors"))]:
            start.update(load_file(path) if path.exists() else {})
        changed = sorted(n for n, t in single["merged"].items() if n in start and not torch.equal(t.float(), start[n].float()))
        kept = [n for n in changed if shown(n)]
        expected["merged_changed_tensors"] = changed
        expected["tolerance"]["merged"] = {n: tolerance(single["merged"][n], double["merged"][n]) for n in kept}
        expected["tolerance"]["merged_logits"] = tolerance(single["merged_logits"][:rows], double["merged_logits"][:rows])
        flat["merged_logits"] = single["merged_logits"][:rows]
        save_file({n: single["merged"][n].float().contiguous().clone() for n in kept}, case_dir / "merged.safetensors")
    else:
        expected["tolerance"]["logits_after_training"] = tolerance(single["logits_after"][:rows], double["logits_after"][:rows])
        flat["logits_after_training"] = single["logits_after"][:rows]
    save_file({n: t.float().contiguous().clone() for n, t in flat.items()}, case_dir / "expected.safetensors")
    (case_dir / "expected.json").write_text(json.dumps(expected, separators=(",", ":")))
    (case_dir / "case.json").write_text(json.dumps({**case, "base": base.name, "trainable": trainable}, separators=(",", ":")))
    print(case_dir.name, [round(l, 4) for l in single["losses"][:3]], "...", round(single[after], 4), flush=True)


# ---- adapter folders -------------------------------------------------------------------------------------------------

def peft_init(base, config, seed, random_b=0.0, frozen=None):
    """Writes PEFT's fresh adapter; `random_b`: deviation of a second factor that is not 0; `frozen(name, tensor)`: values."""
    def write(folder):
        torch.manual_seed(seed)
        model = peft.get_peft_model(load_base(base, torch.float32), config, autocast_adapter_dtype=False)
        with torch.no_grad():
            for name, p in model.named_parameters():
                if random_b and (".lora_B." in name or "vera_lambda_b" in name or "lora_embedding_A" in name):
                    p.normal_(0, random_b)
                if frozen and "lora_" in name:
                    p.copy_(frozen(name, p))
            if getattr(config, "use_dora", False) and random_b:
                for module in model.modules():
                    if hasattr(module, "lora_magnitude_vector") and "default" in module.lora_magnitude_vector:
                        weight = module.get_base_layer().weight
                        weight = weight.T if isinstance(module.get_base_layer(), Conv1D) else weight
                        delta = module.get_delta_weight("default")
                        delta = delta.T if isinstance(module.get_base_layer(), Conv1D) else delta
                        magnitude = module.lora_magnitude_vector["default"].weight
                        magnitude.copy_((weight + delta).norm(dim=1) * (1 + 0.1 * torch.randn(magnitude.shape)))
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        path = folder / "adapter_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": base.name}, separators=(",", ":")))
    return write


def own_init(base, fields, tensors):
    """Writes an adapter folder from `fields` of its configuration and its tensors."""
    def write(folder):
        folder.mkdir(parents=True)
        common = {"alpha_pattern": {}, "rank_pattern": {}, "base_model_name_or_path": base.name, "bias": "none", "fan_in_fan_out": False,
                  "inference_mode": True, "init_lora_weights": True, "layers_pattern": None, "layers_to_transform": None,
                  "lora_dropout": 0.0, "modules_to_save": None, "peft_type": "LORA", "revision": None, "task_type": "CAUSAL_LM",
                  "use_dora": False, "use_rslora": False}
        (folder / "adapter_config.json").write_text(json.dumps({**common, **fields}, separators=(",", ":")))
        save_file({n: t.float().contiguous().clone() for n, t in tensors.items()}, folder / "adapter_model.safetensors",
                  metadata={"format": "pt"})
    return write


def fresh_tensors(subject, seed, deviation=0.0):
    """The subject's trained tensors; those that are 0 become normal with this deviation."""
    generator = torch.Generator().manual_seed(seed)
    return {n: (p.detach() if p.abs().max() > 0 else deviation * torch.randn(p.shape, generator=generator)) for n, p in subject.params.items()}


def restart(mode, share=0.9, seed=5, next_kind=None):
    """The hook of a restart: merges, begins anew, treats the optimiser's state. `mode`: drop, zero, magnitude or keep."""
    def hook(subject, adam, dtype):
        generator = torch.Generator().manual_seed(seed)
        extra = {}
        with torch.no_grad():
            for layer in subject.layers:
                for name, p in layer.own().items():
                    extra[f"before_merge.{name}"] = p.detach().double().clone()
                layer.merge()
                extra[f"base_after_merge.{layer.path}.weight"] = layer.base.weight.detach().double().clone()
                if isinstance(layer, Square):
                    layer.M.zero_()
                    layer.kind = next_kind
                    continue
                layer.A.copy_(torch.randn(layer.A.shape, generator=generator) / math.sqrt(layer.A.shape[1]))
                layer.B.zero_()
                name = f"{PREFIX}{layer.path}.lora_A.weight"
                extra[f"reinit.{name}"] = layer.A.detach().double().clone()
            for layer in subject.layers:
                for p in layer.own().values():
                    state = adam.state[p]
                    if mode == "drop":
                        adam.state.pop(p)
                    elif mode == "zero":
                        state["exp_avg"].zero_(), state["exp_avg_sq"].zero_()
                    elif mode == "magnitude":
                        for key in ("exp_avg", "exp_avg_sq"):
                            moment = state[key]
                            moment[moment.abs() <= torch.quantile(moment.abs().flatten(), share)] = 0
        return extra
    return hook
