"""Input gradients of the golden models by PyTorch autograd, in float64, and how far PyTorch's own float32 is from them.

    python make_gradients.py --dnabert2-code DIR --models ../models --out ../gradients

As for make_models_more.py three environments are needed: a case is made by the version of transformers that INDEX.json names
for it, and skipped with a word by others. The published code is found as those scripts find it (README.md).

The scalar that is differentiated is S = sum over i of u(name, i) x[i]: x is one output of the model (the logits, or the hidden
state of one layer) at its unmasked rows, flattened row by row; u(name, i) = ((s(name) + 7919 i) mod 2003) / 2003 - 0.5 with
s(name) = sum over j of (j + 1) byte_j, modulo 2003. So the gradient of S by x needs no storage. What is stored is dS by the rows
that the word embedding looks up: a hook on that module replaces its output by a leaf.
"""

import argparse
import functools
import json
import pathlib

import numpy as np
import torch
import torch.utils.checkpoint
import transformers
from safetensors.torch import load_file, save_file

import make_models_more

LONG = 150  # tokens of an input of which only the gradient of the logits is stored


def formula(name, count):
    s = sum((j + 1) * byte for j, byte in enumerate(name.encode())) % 2003
    return torch.from_numpy(((s + 7919 * np.arange(count, dtype=np.int64)) % 2003) / 2003 - 0.5)


# --- the references ---------------------------------------------------------------------------------------------------

@functools.lru_cache(None)
def first_models(dnabert2_code):
    """How the architectures of make_models.py are loaded and run; the run gives the list of hidden states and the logits."""
    import make_models
    config, model = make_models.import_dnabert2(dnabert2_code)
    torch.set_grad_enabled(True)  # importing make_models turned it off
    return {
        "nt_v1": (transformers.EsmForMaskedLM.from_pretrained, make_models.run_esm),
        "nt_v2": (make_models.GatedEsmForMaskedLM.from_pretrained, make_models.run_esm),
        "dnabert2": (lambda f: model.from_pretrained(f, config=config.from_pretrained(f)), make_models.run_dnabert2),
    }


def reference_of(entry, options):
    """(a function that loads the model in float32, one that runs it) of an entry of INDEX.json."""
    if "reference" in entry:
        return (lambda: make_models_more.load_case(entry["name"], options.models)[0],
                make_models_more.REFERENCES[entry["reference"]][2])
    load, run = first_models(options.dnabert2_code)[entry["architecture"]]
    return lambda: load(options.models / entry["name"]).eval(), run


# --- differentiating --------------------------------------------------------------------------------------------------

def word_module(model):
    """The module that looks the tokens up: the embedding named like one, not positions and not types."""
    found = [(name, module) for name, module in model.named_modules()
             if isinstance(module, torch.nn.Embedding) and "position" not in name and "type" not in name]
    assert len(found) == 1, [name for name, _ in found]
    return found[0][1]


def gradient(model, run, item, output):
    """dS by the looked-up rows, (unmasked rows, D)."""
    seen = []

    def replace(module, args, rows):
        seen.append(rows.detach().clone().requires_grad_(True))
        return seen[-1].clone()

    hook = word_module(model).register_forward_hook(replace)
    hidden, logits = run(model, item)
    hook.remove()
    x = logits if output == "logits" else hidden[int(output.split(".")[1])]
    keep = item["attention_mask"].bool()
    rows = x[keep]
    (rows * formula(output, rows.numel()).to(rows.dtype).reshape(rows.shape)).sum().backward()
    assert len(seen) == 1
    padding = seen[0].grad[~keep]
    assert not padding.numel() or padding.abs().max() == 0
    return seen[0].grad[keep].double().contiguous()


def inputs_of(entry, models):
    """The first two inputs of a case, by number, as the script that made it wrote them; and the last where it is a long one."""
    stored = load_file(models / entry["name"] / "expected.safetensors")
    last = entry["inputs"] - 1
    items = {}
    for j in (0, 1, last):
        names = [n for n in ("input_ids", "attention_mask", "token_type_ids") if f"case{j}.{n}" in stored]
        if j < 2 or stored[f"case{j}.input_ids"].numel() >= LONG:
            items[j] = {name: stored[f"case{j}.{name}"] for name in names}
    return items


def make_case(entry, options):
    load, run = reference_of(entry, options)
    layers = entry["layers"]
    every = ["logits"] + [f"hidden.{k}" for k in sorted({max(1, layers // 2), layers})]
    tensors, worst = {}, 0.0
    for dtype in (torch.float64, torch.float32):
        model = make_models_more.as_double(load()) if dtype == torch.float64 else load()
        for j, item in inputs_of(entry, options.models).items():
            for output in every if item["input_ids"].numel() < LONG else ["logits"]:
                key = f"input{j}.{output}"
                value = gradient(model, run, item, output)
                if dtype == torch.float64:
                    tensors[key] = value
                    continue
                gap = (value - tensors[key]).abs().max() / tensors[key].abs().max()
                tensors[key + ".f32_error"] = gap.reshape(1)
                worst = max(worst, gap.item())
    file = options.out / f"{entry['name']}.safetensors"
    save_file(tensors, file, {"format": "pt"})
    file.chmod(0o644)
    print(f"{entry['name']:26s} {file.stat().st_size:8d} B  largest f32 error {worst:.1e}")


def without_recomputing(function, *arguments, use_reentrant=None, **named):
    """In place of torch.utils.checkpoint.checkpoint, through which RiNALMo runs its blocks to save memory: torch stops with an error
    when it recomputes them here. The numbers are those of the blocks either way."""
    return function(*arguments, **named)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dnabert2-code", type=pathlib.Path, required=True, help="folder of the published DNABERT-2 .py files")
    parser.add_argument("--models", type=pathlib.Path, required=True, help="folder with INDEX.json")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*", help="names of cases")
    options = parser.parse_args()
    torch.utils.checkpoint.checkpoint = without_recomputing
    options.out.mkdir(parents=True, exist_ok=True)
    index = json.loads((options.models / "INDEX.json").read_text())
    for entry in index["cases"]:
        if options.only is not None and entry["name"] not in options.only:
            continue
        wanted = entry.get("transformers", index["versions"]["transformers"])
        if transformers.__version__ != wanted:
            print(f"{entry['name']:26s} skipped: made with transformers {wanted}, this is {transformers.__version__}")
            continue
        make_case(entry, options)


if __name__ == "__main__":
    main()
