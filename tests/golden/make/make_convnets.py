"""Golden checkpoints of GPN's ConvNet and what the published code computes from them, with input gradients.

    GPN_CODE=DIR python make_convnets.py --out ../convnets

GPN_CODE is a folder with `legacy.py` of the authors' package (README.md says which). As in make_models.py every checkpoint is
written first, loaded back from its folder by the reference, compared tensor by tensor, and only then run. The code takes no
attention mask and would convolve padding like any other token, so each sequence runs by itself; the rows are stored as a
right-padded batch.
"""

import argparse
import collections
import importlib.util
import json
import os
import pathlib
import platform
import shutil

import numpy as np
import tokenizers
import torch
import transformers
from safetensors.torch import save_file

from make_gradients import formula

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()


def import_legacy():
    spec = importlib.util.spec_from_file_location("gpn_legacy", pathlib.Path(os.environ["GPN_CODE"]) / "legacy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- the cases --------------------------------------------------------------------------------------------------------

CASES = {
    "gpn_7": dict(H=24, L=7, V=7, K=9, weights="safetensors", lengths=(70, 21),
                  note="the published settings: nine taps, dilations 1, 2, 4, ..., 32 and again; more taps than tokens"),
    "gpn_6_bin": dict(H=13, L=5, V=6, K=5, weights="bin", base=3, cycle=4, every=2, most=2, lengths=(33, 9),
                      note="six tokens, an odd width, pytorch_model.bin; every dilation twice, cut at 2, from 1 again after four"),
    "gpn_even": dict(H=16, L=2, V=16, K=4, weights="safetensors", lengths=(19, 5),
                     note="an even number of taps: one more behind than before; as many tokens as channels"),
}


def config_of(c):
    return dict(architectures=["ConvNetForMaskedLM"], model_type="ConvNet", vocab_size=c["V"], hidden_size=c["H"],
                n_layers=c["L"], kernel_size=c["K"], dilation_base=c.get("base", 2), dilation_cycle=c.get("cycle", 6),
                dilation_double_every=c.get("every", 1), dilation_max=c.get("most", 32), initializer_range=0.02,
                n_aux_features=0, torch_dtype="float32", transformers_version="4.29.1")


def random_state(shapes, seed):
    """Streams that grow by about one a half block, logits of order 1 to 10, norms that are not the default."""
    rng = np.random.Generator(np.random.PCG64(seed))
    state = collections.OrderedDict()
    for name, shape in shapes.items():
        z = rng.standard_normal(shape)
        if len(shape) == 1:
            norm = any(part in name for part in ("conv.4.", "ffn.2.", "decoder.2."))
            value = 1 + 0.2 * np.clip(z, -2, 2) if norm and name.endswith("weight") else 0.15 * z
        else:
            value = (3.0 if "decoder.3" in name else 1.2) * z / np.sqrt(np.prod(shape[1:]))
        state[name] = torch.from_numpy(value.astype(np.float32))
    return state


def write_tokenizer(folder, size):
    """As the authors train theirs (gpn/ss/train_tokenizer_ss.py): seven tokens; the six of the older files have no [UNK]."""
    special = ["[PAD]", "[MASK]", "[UNK]"] if size == 7 else ["[MASK]", "[PAD]"]
    vocabulary = {token: i for i, token in enumerate(special + list("acgt"))}
    unknown = {"unk_token": "[UNK]"} if size == 7 else {}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[], **unknown))
    made.normalizer = tokenizers.normalizers.Lowercase()
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.add_special_tokens(special)
    made.save(str(folder / "tokenizer.json"))
    config = {"mask_token": "[MASK]", "pad_token": "[PAD]", "tokenizer_class": "PreTrainedTokenizerFast", **unknown}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


# --- running ----------------------------------------------------------------------------------------------------------

def make_inputs(c, seed):
    """A sequence of 7; a batch of three, one of a single token, with mask tokens; a single token. Lists of lists of ids."""
    rng = np.random.Generator(np.random.PCG64(seed))
    def sequence(length, masks=()):
        ids = rng.integers(0, c["V"], length)
        ids[list(masks)] = 1
        return ids.tolist()
    long, short = c["lengths"]
    return [[sequence(7)], [sequence(short, (4,)), sequence(long, (2, 5)), sequence(1)], [sequence(1)]]


def run(model, ids, leaf=False):
    """Hidden states and logits of one sequence, (T, ...); with `leaf` also the one-hot rows that enter, which gather gradients."""
    rows, seen = [], []
    dtype = next(model.parameters()).dtype

    def enter(module, args, output):
        rows.append(output.detach().to(dtype).requires_grad_(leaf))
        seen.append(rows[0].clone())
        return seen[0]

    handles = [model.model.embedding.register_forward_hook(enter)]
    handles += [layer.register_forward_hook(lambda m, a, output: seen.append(output)) for layer in model.model.encoder]
    with torch.set_grad_enabled(leaf):
        logits = model(input_ids=torch.tensor([ids])).logits[0]
    for handle in handles:
        handle.remove()
    return [x[0] for x in seen], logits, rows[0]


def padded(rows, width):
    out = torch.zeros((len(rows), width) + tuple(rows[0].shape[1:]), dtype=rows[0].dtype)
    for r, row in enumerate(rows):
        out[r, : len(row)] = row
    return out


def expected_outputs(c, load, inputs):
    tensors, largest = {}, 0.0
    for dtype, prefix in ((torch.float32, "f32."), (torch.float64, "")):
        model = load().to(dtype).eval()
        for j, batch in enumerate(inputs):
            width = max(map(len, batch))
            tensors[f"case{j}.input_ids"] = padded([torch.tensor(ids) for ids in batch], width)
            tensors[f"case{j}.attention_mask"] = padded([torch.ones(len(ids), dtype=torch.int64) for ids in batch], width)
            found = [run(model, ids) for ids in batch]
            assert all(logits.dtype == dtype and torch.isfinite(logits).all() for _, logits, _ in found)
            tensors[f"case{j}.{prefix}logits"] = padded([logits for _, logits, _ in found], width)
            for k in range(c["L"] + 1) if dtype == torch.float64 else [c["L"]]:
                tensors[f"case{j}.{prefix}hidden.{k}"] = padded([hidden[k] for hidden, _, _ in found], width)
            if dtype == torch.float64:
                gap = (tensors[f"case{j}.logits"] - tensors[f"case{j}.f32.logits"].double()).abs().max().item()
                largest = max(largest, gap)
    return tensors, largest


def gradients(c, load, inputs):
    """dS by the one-hot rows, S as in make_gradients.py, for the first two inputs."""
    tensors, worst = {}, 0.0
    outputs = ["logits"] + [f"hidden.{k}" for k in sorted({max(1, c["L"] // 2), c["L"]})]
    for dtype in (torch.float64, torch.float32):
        model = load().to(dtype).eval()
        for j, batch in enumerate(inputs[:2]):
            for output in outputs:
                parts = [run(model, ids, leaf=True) for ids in batch]
                x = torch.cat([p[1] if output == "logits" else p[0][int(output.split(".")[1])] for p in parts])
                (x * formula(output, x.numel()).to(dtype).reshape(x.shape)).sum().backward()
                value = torch.cat([p[2].grad[0] for p in parts]).double().contiguous()
                key = f"input{j}.{output}"
                if dtype == torch.float64:
                    tensors[key] = value
                    continue
                gap = (value - tensors[key]).abs().max() / tensors[key].abs().max()
                tensors[key + ".f32_error"] = gap.reshape(1)
                worst = max(worst, gap.item())
    return tensors, worst


def make_case(name, c, seed, out, legacy):
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = config_of(c)
    fresh = legacy.ConvNetForMaskedLM(legacy.ConvNetConfig(**config)).state_dict()
    state = random_state({k: tuple(v.shape) for k, v in fresh.items()}, seed)
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    if c["weights"] == "bin":
        torch.save(state, folder / "pytorch_model.bin")
    else:
        save_file(state, folder / "model.safetensors", {"format": "pt"})
    if c["V"] in (6, 7):
        write_tokenizer(folder, c["V"])

    def load():
        model, info = legacy.ConvNetForMaskedLM.from_pretrained(folder, output_loading_info=True)
        assert not any(info.values()), info
        loaded = model.state_dict()
        assert set(loaded) == set(state) and all(torch.equal(loaded[k], v) for k, v in state.items())
        return model

    inputs = make_inputs(c, 1000 + seed)
    tensors, gap = expected_outputs(c, load, inputs)
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "expected.safetensors", {"format": "pt"})
    found, worst = gradients(c, load, inputs)
    save_file(found, folder / "gradients.safetensors", {"format": "pt"})
    for file in folder.iterdir():
        file.chmod(0o644)
    size = sum(f.stat().st_size for f in folder.iterdir())
    largest = max(t.abs().max().item() for k, t in tensors.items() if "logits" in k)
    print(f"{name:12s} {size:8d} B  |logit| max {largest:6.2f}  f32 vs f64 {gap:.1e}, gradients {worst:.1e}")
    return {"name": name, "inputs": len(inputs), "layers": c["L"], "note": c["note"],
            "parameters": sum(v.numel() for v in state.values()), "dilations": list(map(int, legacy.get_dilation_schedule(
                legacy.ConvNetConfig(**config)))), "largest_f32_logit_gap": float(f"{gap:.1e}")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    legacy = import_legacy()
    cases = [make_case(name, c, seed, options.out, legacy) for seed, (name, c) in enumerate(CASES.items(), start=1)]
    published = legacy.ConvNetConfig(vocab_size=7, hidden_size=512, n_layers=25)
    with torch.device("meta"):
        count = sum(p.numel() for p in legacy.ConvNetForMaskedLM(published).parameters())
    versions = {"python": platform.python_version(), "torch": torch.__version__.split("+")[0],
                "transformers": transformers.__version__, "numpy": np.__version__, "tokenizers": tokenizers.__version__}
    text = json.dumps({"versions": versions, "cases": cases, "published_parameters": count}, indent=2)
    (options.out / "INDEX.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
