"""Write random small checkpoints in the published formats, and what the reference implementations compute from them.

    python make_models.py --dnabert2-code DIR --out ../models

Every checkpoint is written to its folder first, then loaded back *from that folder* by the reference loader, and only then
run: the files are known to be loadable by the reference. README.md beside this script says how the constants of the
float64 run are formed and where the DNABERT-2 code comes from.
"""

import argparse
import collections
import importlib
import json
import logging
import pathlib
import platform
import shutil
import sys
import types
import warnings

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers.models.esm import modeling_esm

torch.set_num_threads(1)
torch.set_grad_enabled(False)
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


# --- the reference implementations ------------------------------------------------------------------------------------

class GatedIntermediate(torch.nn.Module):
    """First half of the NT-v2 feed-forward block: one linear of width 2I, the first I channels gate the last I."""

    def __init__(self, config):
        super().__init__()
        self.dense = torch.nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=config.add_bias_fnn)

    def forward(self, x):
        gate, value = self.dense(x).chunk(2, dim=-1)
        return torch.nn.functional.silu(gate) * value


class GatedEsmForMaskedLM(transformers.EsmForMaskedLM):
    """NT-v2: the ESM model of transformers with the gated feed-forward block and optional feed-forward biases."""

    def __init__(self, config):
        super().__init__(config)
        for layer in self.esm.encoder.layer:
            layer.intermediate = GatedIntermediate(config)
            layer.output.dense = torch.nn.Linear(config.intermediate_size, config.hidden_size, bias=config.add_bias_fnn)
        self.post_init()


def rotary_tables_double(self, x, seq_dimension=2):
    """Angles as in the float32 model (float32 position times float32 inv_freq, rounded to float32), then double cos/sin."""
    positions = torch.arange(x.shape[seq_dimension], dtype=torch.float32)
    angle = torch.outer(positions, self.inv_freq.to(torch.float32)).double()
    angle = torch.cat((angle, angle), dim=-1)
    return angle.cos()[None, None], angle.sin()[None, None]


def import_dnabert2(folder):
    """Import the published files as a package; without flash_attn_triton.py the code takes its PyTorch attention."""
    package = types.ModuleType("dnabert2_published")
    package.__path__ = [str(folder)]
    sys.modules["dnabert2_published"] = package
    config = importlib.import_module("dnabert2_published.configuration_bert")
    layers = importlib.import_module("dnabert2_published.bert_layers")
    assert layers.flash_attn_qkvpacked_func is None
    layers.BertForMaskedLM.config_class = config.BertConfig
    return config.BertConfig, layers.BertForMaskedLM


# --- random weights ---------------------------------------------------------------------------------------------------

def random_state(shapes, seed, tied):
    """Float32 weights in the order of `shapes`; scales that keep activations of order 1 and logits of order 1-10."""
    rng = np.random.Generator(np.random.PCG64(seed))
    state = collections.OrderedDict()
    for name, shape in shapes.items():
        z = rng.standard_normal(shape)
        if "LayerNorm.weight" in name or "layer_norm" in name and name.endswith("weight") or "layernorm.weight" in name:
            value = 1 + 0.2 * np.clip(z, -2, 2)
        elif len(shape) == 1:
            value = 0.15 * z
        elif "embeddings" in name:
            value = 0.5 * z
        elif "query" in name or "key" in name or "Wqkv" in name:
            value = 1.8 * z / np.sqrt(shape[1])
        elif "decoder" in name:
            value = 3.0 * z / np.sqrt(shape[1])
        else:
            value = 1.2 * z / np.sqrt(shape[1])
        state[name] = torch.from_numpy(value.astype(np.float32))
    if tied:
        state[tied[1]] = state[tied[0]]
    return state


def nudged(inv_freq, seed):
    """Stored rotary frequencies that are not what a reader would compute: one ulp up, down or none."""
    steps = np.random.Generator(np.random.PCG64(seed)).integers(-1, 2, inv_freq.shape[0])
    bits = inv_freq.numpy().view(np.int32) + steps.astype(np.int32)
    return torch.from_numpy(bits.view(np.float32).copy())


# --- writing checkpoints ----------------------------------------------------------------------------------------------

def column_major(state):
    return {k: v.t().contiguous().t() if v.dim() == 2 and "embeddings" not in k else v for k, v in state.items()}


def write_checkpoint(folder, config, state, weights, metadata):
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    size = sum(t.numel() * t.element_size() for t in state.values())
    if weights == "safetensors":
        save_file({k: v.contiguous() for k, v in state.items()}, folder / "model.safetensors", {"format": "pt"})
        return ["model.safetensors"]
    if weights == "bin":
        state._metadata = metadata
        torch.save(state, folder / "pytorch_model.bin")
        return ["pytorch_model.bin"]
    assert weights == "shards"
    names, half, shards, index = list(state), 0, [{}, {}], {}
    for name in names:
        half += state[name].numel() * state[name].element_size()
        shards[int(half > 0.7 * size)][name] = state[name]
    files = [f"pytorch_model-0000{i + 1}-of-00002.bin" for i in range(2)]
    for file, shard in zip(files, shards):
        torch.save(shard, folder / file)
        index.update({name: file for name in shard})
    document = {"metadata": {"total_size": size}, "weight_map": dict(sorted(index.items()))}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(document, indent=2) + "\n")
    return files + ["pytorch_model.bin.index.json"]


# --- inputs -----------------------------------------------------------------------------------------------------------

def make_inputs(case, seed):
    """A list of dicts: one unpadded sequence, one right-padded batch, one token, one with unusual content, one long."""
    rng = np.random.Generator(np.random.PCG64(seed))
    vocab, pad, mask, cls = case["V"], case["pad"], case["mask"], case["cls"]
    ordinary = [i for i in range(vocab) if i not in (pad, mask)]

    def sequence(length, masks=()):
        ids = rng.choice(ordinary, length)
        ids[0] = cls
        ids[length // 2] = vocab - 1 if length > 2 else ids[length // 2]
        for position in masks:
            ids[position] = mask
        return ids

    def batch(rows):
        width = max(map(len, rows))
        ids = np.full((len(rows), width), pad, np.int64)
        attention = np.zeros((len(rows), width), np.int64)
        for r, row in enumerate(rows):
            ids[r, :len(row)] = row
            attention[r, :len(row)] = 1
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(attention)}

    if case.get("long"):
        return [batch([sequence(case["long"], (17, 101, 102))]), batch([sequence(7, (4,)), sequence(19)])]
    n = case.get("lengths", (5, 11, 1))
    inputs = [batch([sequence(7)]),
              batch([sequence(n[0], (4,)), sequence(n[1], (2, 5, n[1] - 1)), *map(sequence, n[2:])]),
              batch([sequence(1)])]
    odd = sequence(11, (3,))
    if case["kind"] == "dnabert2":
        inputs.append(batch([odd]))
        inputs[-1]["token_type_ids"] = torch.tensor([[0] * 6 + [1] * 5])
    else:
        odd[6] = odd[7] = pad
        inputs.append(batch([odd]))
    return inputs


# --- running ----------------------------------------------------------------------------------------------------------

def run_esm(model, inputs):
    out = model(**inputs, output_hidden_states=True)
    return list(out.hidden_states), out.logits


def run_dnabert2(model, inputs):
    """Hidden states by hooks: after the embedding LayerNorm, then after each block (unpadded there, zero-filled here)."""
    seen, hooks = [], []
    grab = lambda module, args, output: seen.append(output.clone())
    hooks.append(model.bert.embeddings.register_forward_hook(grab))
    hooks += [layer.register_forward_hook(grab) for layer in model.bert.encoder.layer]
    logits = model(**inputs).logits
    for hook in hooks:
        hook.remove()
    mask = inputs["attention_mask"].bool()
    hidden = [seen[0]]
    for flat in seen[1:]:
        dense = torch.zeros_like(seen[0])
        dense[mask] = flat
        hidden.append(dense)
    return hidden, logits


def expected_outputs(case, load, run, inputs):
    tensors, largest = {}, 0.0
    for dtype, prefix in ((torch.float32, "f32."), (torch.float64, "")):
        model = load().to(dtype).eval()
        if dtype == torch.float64:
            for module in model.modules():
                if isinstance(module, modeling_esm.RotaryEmbedding):
                    module._update_cos_sin_tables = types.MethodType(rotary_tables_double, module)
        for j, item in enumerate(inputs):
            hidden, logits = run(model, item)
            assert logits.dtype == dtype and all(h.dtype == dtype for h in hidden)
            assert torch.isfinite(logits).all() and len(hidden) == case["L"] + 1
            for name, tensor in item.items():
                tensors[f"case{j}.{name}"] = tensor
            tensors[f"case{j}.{prefix}logits"] = logits.contiguous()
            layers = range(case["L"] + 1) if dtype == torch.float64 else [case["L"]]
            for k in layers:
                tensors[f"case{j}.{prefix}hidden.{k}"] = hidden[k].contiguous().clone()
            if dtype == torch.float64:
                keep = item["attention_mask"].bool()
                gap = (logits - tensors[f"case{j}.f32.logits"].double())[keep].abs().max().item()
                largest = max(largest, gap)
    return tensors, largest


# --- the cases --------------------------------------------------------------------------------------------------------

ESM = dict(kind="esm", emb_ln=False, token_dropout=True, tied=False, eps=1e-12, position="absolute",
           pad=1, mask=2, cls=3, weights="safetensors")
V1 = dict(ESM, arch="nt_v1")
V2 = dict(ESM, arch="nt_v2", token_dropout=False, position="rotary", bias_fnn=False)
D2 = dict(kind="dnabert2", arch="dnabert2", eps=1e-12, pad=3, mask=4, cls=1, weights="bin", alibi=512, types=2)

CASES = {
    "nt_v1_d8": dict(V1, H=40, A=5, L=2, I=77, V=37, P=44, lengths=(9, 33, 1),
                     note="as published (config of 2.5b-multi-species)"),
    "nt_v1_d24_bin": dict(V1, H=48, A=2, L=3, I=31, V=75, P=14, weights="bin", legacy_extras=True,
                          note="pytorch_model.bin with position_ids and contact_head"),
    "nt_v1_d40_shards": dict(V1, H=80, A=2, L=1, I=31, V=37, P=17, weights="shards", column_major=True, legacy_extras=True,
                             note="two .bin shards, linear weights stored column-major (stride (1, out))"),
    "nt_v1_flags": dict(V1, H=64, A=1, L=1, I=51, V=37, P=20, emb_ln=True, token_dropout=False, tied=True, eps=1e-5,
                        position="rotary", pad=3, mask=5, cls=1,
                        note="every flag flipped; head dim 64; tied decoder absent from the file"),
    "nt_v1_d128": dict(V1, H=128, A=1, L=1, I=11, V=37, P=16, note="head dim 128"),
    "nt_v1_long": dict(V1, H=16, A=2, L=2, I=27, V=13, P=303, long=300, note="300 tokens with masked tokens"),
    "nt_v2_d8": dict(V2, H=40, A=5, L=2, I=45, V=37, P=50, lengths=(9, 33, 1), note="as published (config of v2-50m)"),
    "nt_v2_d24_bin": dict(V2, H=48, A=2, L=3, I=17, V=75, P=20, weights="bin", nudge=True,
                          note="pytorch_model.bin; stored inv_freq differs from the formula by an ulp here and there"),
    "nt_v2_d40": dict(V2, H=80, A=2, L=1, I=21, V=37, P=20, note="head dim 40"),
    "nt_v2_flags": dict(V2, H=48, A=3, L=2, I=37, V=37, P=20, emb_ln=True, token_dropout=True, tied=True, eps=1e-5,
                        position="absolute", bias_fnn=True, pad=3, mask=5, cls=1, weights="bin",
                        note="every flag flipped; tied decoder shares its storage with the embedding in the .bin"),
    "nt_v2_d64": dict(V2, H=64, A=1, L=1, I=35, V=37, P=5,
                      note="head dim 64; more tokens than rows of the unused position table"),
    "nt_v2_long": dict(V2, H=24, A=1, L=1, I=27, V=13, P=9, long=300, note="300 tokens"),
    "dnabert2_a3": dict(D2, H=24, A=3, L=2, I=37, V=75, lengths=(9, 33, 1), note="3 heads (not a power of two)"),
    "dnabert2_a12": dict(D2, H=96, A=12, L=1, I=19, V=37, note="12 heads, as published"),
    "dnabert2_a4_safetensors": dict(D2, H=32, A=4, L=3, I=29, V=37, weights="safetensors",
                                    note="model.safetensors, tied decoder weight absent; 4 heads"),
    "dnabert2_d40_eps": dict(D2, H=40, A=1, L=2, I=33, V=37, eps=1e-5,
                             note="layer_norm_eps 1e-5 (the head keeps 1e-12); one head of dim 40"),
    "dnabert2_d64_pooler": dict(D2, H=64, A=1, L=1, I=45, V=37, pooler=True,
                                note="one head of dim 64; the file also carries bert.pooler.dense (unused)"),
    "dnabert2_long": dict(D2, H=24, A=3, L=1, I=27, V=13, long=300, alibi=16, note="300 tokens, alibi_starting_size 16"),
}


def esm_config(c):
    config = dict(
        architectures=["EsmForMaskedLM"], attention_probs_dropout_prob=0.0, emb_layer_norm_before=c["emb_ln"],
        esmfold_config=None, hidden_dropout_prob=0.0, hidden_size=c["H"], initializer_range=0.02,
        intermediate_size=c["I"], is_folding_model=False, layer_norm_eps=c["eps"], mask_token_id=c["mask"],
        max_position_embeddings=c["P"], num_attention_heads=c["A"], num_hidden_layers=c["L"], pad_token_id=c["pad"],
        position_embedding_type=c["position"], tie_word_embeddings=c["tied"], token_dropout=c["token_dropout"],
        torch_dtype="float32", use_cache=False, vocab_list=None, vocab_size=c["V"])
    if c["arch"] == "nt_v1":
        return dict(config, model_type="esm", transformers_version="4.29.0.dev0")
    return dict(config, add_bias_fnn=c["bias_fnn"], transformers_version="4.32.0.dev0",
                architectures=["EsmForMaskedLM", "EsmForTokenClassification", "EsmForSequenceClassification"],
                auto_map={"AutoConfig": "esm_config.EsmConfig",
                          "AutoModelForMaskedLM": "modeling_esm.EsmForMaskedLM",
                          "AutoModelForTokenClassification": "modeling_esm.EsmForTokenClassification",
                          "AutoModelForSequenceClassification": "modeling_esm.EsmForSequenceClassification"})


def dnabert2_config(c):
    return dict(
        _name_or_path="zhihan1996/DNABERT-2-117M", alibi_starting_size=c["alibi"], architectures=["BertForMaskedLM"],
        attention_probs_dropout_prob=0.0, classifier_dropout=None, gradient_checkpointing=False, hidden_act="gelu",
        auto_map={"AutoConfig": "configuration_bert.BertConfig", "AutoModel": "bert_layers.BertModel",
                  "AutoModelForMaskedLM": "bert_layers.BertForMaskedLM",
                  "AutoModelForSequenceClassification": "bert_layers.BertForSequenceClassification"},
        hidden_dropout_prob=0.1, hidden_size=c["H"], initializer_range=0.02, intermediate_size=c["I"],
        layer_norm_eps=c["eps"], max_position_embeddings=512, num_attention_heads=c["A"], num_hidden_layers=c["L"],
        position_embedding_type="absolute", torch_dtype="float32", transformers_version="4.28.0",
        type_vocab_size=c["types"], use_cache=True, vocab_size=c["V"])


def published_extras(c, state):
    """Tensors that the published files carry beside the parameters in use."""
    if c.get("legacy_extras"):
        state["esm.embeddings.position_ids"] = torch.arange(c["P"])[None]
    if c.get("pooler"):
        rng = np.random.Generator(np.random.PCG64(99))
        state["bert.pooler.dense.weight"] = torch.from_numpy(rng.standard_normal((c["H"], c["H"])).astype(np.float32))
        state["bert.pooler.dense.bias"] = torch.from_numpy(rng.standard_normal(c["H"]).astype(np.float32))


def make_case(name, c, seed, out, dnabert2):
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if c["kind"] == "esm":
        config, run = esm_config(c), run_esm
        model_class = GatedEsmForMaskedLM if c["arch"] == "nt_v2" else transformers.EsmForMaskedLM
        build = lambda: model_class(transformers.EsmConfig(**config))
        tied = ("esm.embeddings.word_embeddings.weight", "lm_head.decoder.weight") if c["tied"] else None
    else:
        config, run = dnabert2_config(c), run_dnabert2
        build = lambda: dnabert2[1](dnabert2[0](**config))
        tied = ("bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight")

    fresh = build().state_dict()
    shapes = {k: tuple(v.shape) for k, v in fresh.items() if "inv_freq" not in k}
    state = random_state(shapes, seed, tied)
    for key, value in fresh.items():
        if "inv_freq" in key:
            state[key] = nudged(value, seed) if c.get("nudge") else value.clone()
    if c["kind"] == "esm" and c["weights"] == "safetensors" and tied:
        del state[tied[1]]
    if c["kind"] == "dnabert2" and c["weights"] == "safetensors":
        del state[tied[1]]
    published_extras(c, state)
    if c.get("column_major"):
        state = column_major(state)
    files = write_checkpoint(folder, config, state, c["weights"], fresh._metadata)

    def load():
        if c["kind"] == "esm":
            model, info = model_class.from_pretrained(folder, output_loading_info=True)
        else:
            model, info = dnabert2[1].from_pretrained(folder, config=dnabert2[0].from_pretrained(folder),
                                                      output_loading_info=True)
        missing = [k for k in info["missing_keys"] if not (tied and k == tied[1])]
        unexpected = [k for k in info["unexpected_keys"] if "position_ids" not in k and "pooler" not in k]
        assert not missing and not unexpected and not info["mismatched_keys"], info
        loaded = model.state_dict()
        for key, value in state.items():
            if key in loaded:
                assert torch.equal(loaded[key], value), key
        return model

    inputs = make_inputs(c, 1000 + seed)
    tensors, gap = expected_outputs(c, load, run, inputs)
    save_file(tensors, folder / "expected.safetensors", {"format": "pt"})
    logits = tensors["case0.logits"]
    for file in folder.iterdir():
        file.chmod(0o644)
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name:26s} {size:8d} B  |logit| max {logits.abs().max():6.2f}  f32 vs f64 {gap:.1e}")
    return {"name": name, "architecture": c["arch"], "config": f"{name}/config.json",
            "weights": [f"{name}/{f}" for f in files], "expected": f"{name}/expected.safetensors",
            "inputs": len(inputs), "layers": c["L"], "note": c["note"], "largest_f32_logit_gap": float(f"{gap:.1e}")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dnabert2-code", type=pathlib.Path, required=True, help="folder of the published DNABERT-2 .py files")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*", help="names of cases; INDEX.json is then not rewritten")
    options = parser.parse_args()
    dnabert2 = import_dnabert2(options.dnabert2_code)
    cases = []
    for seed, (name, case) in enumerate(CASES.items(), start=1):
        if options.only is None or name in options.only:
            cases.append(make_case(name, case, seed, options.out, dnabert2))
    if options.only is None:
        versions = {"python": platform.python_version(), "torch": torch.__version__.split("+")[0],
                    "transformers": transformers.__version__, "numpy": np.__version__}
        text = json.dumps({"versions": versions, "cases": cases}, indent=2)
        (options.out / "INDEX.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
