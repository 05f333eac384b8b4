"""Writes adapters with PEFT on random models and answers with adapters of either side.

usage: peft_formats.py --jobs FILE.json
`--jobs`: a list of {"base", "inputs", "out", "theirs"?, "own"?, …}: checkpoint folder, {"input_ids", "attention_mask", "labels",
"token_type_ids"?}, folder to write, how PEFT's own adapter is made, folder of an adapter to load; also "labels", the size of
a head that the checkpoint does not have, and "written_only", where nothing is to be answered. `theirs`: {"config": name
of PEFT's class, "fields", "convert"?: remove what the start took out of the base, "dtype"?: of the stored tensors, "keep"? and
"set"?: what stays of adapter_config.json, and what is set in it}.
Written into `out`: `peft/` (where `theirs` is given); logits.safetensors with `base`, `own`, `peft`; report.json: what an
independent implementation is allowed of each (from the same in float64), and what PEFT said of missing or unexpected tensors.
`out/error.txt` in place of these when it failed.
"""
import argparse
import json
import pathlib
import sys
import tempfile
import warnings

import peft
import torch
import transformers
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "golden"))
from families import AsFloat64, tolerance  # noqa: E402

STEPS, LEARNING_RATE, SEED = 2, 0.05, 7
# Of tensors; keys of adapter_config.json that PEFT does not know it leaves out, with a warning.
COMPLAINTS = ("missing adapter keys", "unexpected keys", "present in state dictionary")


def open_base(folder, dtype, labels=None):
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    is_encoder = config["model_type"] in ("bert", "roberta")
    kind = transformers.AutoModelForSequenceClassification if is_encoder else transformers.AutoModelForCausalLM
    # A head that the checkpoint does not have is made for as many labels as the adapter holds.
    size = {} if labels is None else {"num_labels": labels}
    model = kind.from_pretrained(folder, dtype=dtype, attn_implementation="eager", **size)
    for module in model.modules():
        if hasattr(module, "scalar_embed_scale"):  # is a float32 buffer else
            module.embed_scale = torch.tensor(module.scalar_embed_scale, dtype=dtype)
    return model.to(dtype)


def tensors_of(inputs):
    return {key: torch.tensor(rows) for key, rows in inputs.items()}


def logits_of(model, inputs):
    with torch.no_grad():
        given = {key: value for key, value in tensors_of(inputs).items() if key != "labels"}
        return model.eval()(**given).logits


def loss_of(model, inputs):
    given = tensors_of(inputs)
    labels = given.pop("labels")
    logits = model(**given).logits
    if logits.dim() == 3:
        return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    if logits.shape[-1] == 1:
        return torch.nn.functional.mse_loss(logits.flatten(), labels.float())
    return torch.nn.functional.cross_entropy(logits, labels)


def write_adapter(job, out):
    theirs = job["theirs"]
    torch.manual_seed(SEED)
    config = getattr(peft, theirs["config"])(**theirs["fields"])
    model = peft.get_peft_model(open_base(job["base"], torch.float32, job.get("labels")), config)
    with tempfile.TemporaryDirectory() as start:
        model.peft_config["default"].init_lora_weights = True  # for the loading of this copy alone
        if theirs.get("convert"):
            model.save_pretrained(start)
        model.peft_config["default"].init_lora_weights = theirs["fields"].get("init_lora_weights", True)
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=LEARNING_RATE)
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss_of(model.train(), job["inputs"]).backward()
            optimizer.step()
        if "dtype" in theirs:
            model = model.to(getattr(torch, theirs["dtype"]))
        options = {"path_initial_model_for_weight_conversion": start} if theirs.get("convert") else {}
        model.save_pretrained(out, **options)
    file = out / "adapter_config.json"
    fields = json.loads(file.read_text())
    if "keep" in theirs:
        fields = {key: fields[key] for key in theirs["keep"]}
    file.write_text(json.dumps({**fields, **theirs.get("set", {})}, indent=2))
    (out / "README.md").unlink(missing_ok=True)


def answers(base, adapter, inputs, dtype, labels, complaints):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = peft.PeftModel.from_pretrained(open_base(base, dtype, labels), adapter, autocast_adapter_dtype=False)
    texts = [str(entry.message) for entry in caught]
    complaints += [text for text in texts if any(part in text.lower() for part in COMPLAINTS)]
    return logits_of(model.to(dtype), inputs)


def run(job):
    out = pathlib.Path(job["out"])
    out.mkdir(parents=True, exist_ok=True)
    folders = {}
    if "theirs" in job:
        write_adapter(job, out / "peft")
        folders["peft"] = out / "peft"
    if job.get("written_only"):
        return
    if "own" in job:
        folders["own"] = pathlib.Path(job["own"])
    complaints = []

    def measure(dtype):
        results = {"base": logits_of(open_base(job["base"], dtype, job.get("labels")), job["inputs"])}
        for name, folder in folders.items():
            results[name] = answers(job["base"], folder, job["inputs"], dtype, job.get("labels"), complaints)
        return results

    single = measure(torch.float32)
    with AsFloat64():
        double = measure(torch.float64)
    save_file({name: values.contiguous() for name, values in single.items()}, out / "logits.safetensors")
    allowed = {name: tolerance(values, double[name]) for name, values in single.items()}
    (out / "report.json").write_text(json.dumps({"tolerance": allowed, "complaints": sorted(set(complaints))}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=pathlib.Path, required=True)
    torch.set_num_threads(1)
    for job in json.loads(parser.parse_args().jobs.read_text()):
        try:
            run(job)
        except Exception as error:  # the other formats are compared all the same
            folder = pathlib.Path(job["out"])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "error.txt").write_text(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
