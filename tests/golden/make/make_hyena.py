"""Golden checkpoints of HyenaDNA in both published layouts, by the authors' code and by the hub's port.

    HYENA_CODE=DIR HYENA_HUB_CODE=DIR python make_hyena.py --out ../hyena

Needs torch, transformers, safetensors, einops as in requirements.txt. The folders (README.md has the digests) hold
standalone_hyenadna.py and modeling_hyena.py with configuration_hyena.py, all unchanged. standalone_hyenadna.py imports torchvision for a
layer that does nothing here (StochasticDepth with probability 0): a stub stands for it.

Every checkpoint is written first, loaded back as its own loader does, compared tensor by tensor, and only then run: in float64 (float32
weights widened, nothing else rounded: the casts of the residual stream and of the filter to float32 are turned off) and in float32 as it
is. Positions, damping and frequencies are moved away from their formulas, so that who does not read them from the file fails.

expected/<case>.safetensors, for sequence j: input{j}.ids (T); input{j}.hidden.{k} (T, D) float64, k = 0 the embedding, k the residual stream
after block k, the last one after the final norm; input{j}.logits (T, V); input{j}.f32.logits and .f32.hidden.{L} float32;
input{j}.gradient.{output} (T, D): dS by the word rows with S = sum over i of u(output, i) output[i] as in make_gradients.py; and
input{j}.gradient.{output}.f32_error, how far PyTorch's float32 is from it, relative to its largest number.
The authors' model has no language-model head; in their training code it is the embedding, and so it is here.
"""

import argparse
import contextlib
import importlib
import importlib.util
import json
import os
import pathlib
import shutil
import sys
import types

import numpy as np
import torch
import transformers
from safetensors.torch import save_file

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()


def formula(name, count):
    s = sum((j + 1) * byte for j, byte in enumerate(name.encode())) % 2003
    return torch.from_numpy(((s + 7919 * np.arange(count, dtype=np.int64)) % 2003) / 2003 - 0.5)


# --- the code of the authors and of the hub ---------------------------------------------------------------------------

class NoDepth(torch.nn.Module):
    def __init__(self, probability, mode):
        super().__init__()
        assert probability == 0

    def forward(self, x):
        return x


def import_original():
    vision, ops = types.ModuleType("torchvision"), types.ModuleType("torchvision.ops")
    ops.StochasticDepth = NoDepth
    sys.modules.setdefault("torchvision", vision)
    sys.modules.setdefault("torchvision.ops", ops)
    sys.path.insert(0, os.environ["HYENA_CODE"])
    return importlib.import_module("standalone_hyenadna")


def import_hub():
    folder = pathlib.Path(os.environ["HYENA_HUB_CODE"])
    package = types.ModuleType("hyena_hub")
    package.__path__ = [str(folder)]
    sys.modules["hyena_hub"] = package
    return importlib.import_module("hyena_hub.modeling_hyena"), importlib.import_module("hyena_hub.configuration_hyena")


class DoubleTorch:
    """torch, but float32 is float64: for code that casts."""
    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


# --- weights ----------------------------------------------------------------------------------------------------------

def randomise(model, seed):
    """Numbers of the size of trained ones; nothing is left at its default."""
    generator = torch.Generator().manual_seed(seed)
    normal = lambda t: torch.randn(t.shape, generator=generator)
    done = set()
    with torch.no_grad():
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if tensor.data_ptr() in done:
                continue
            done.add(tensor.data_ptr())
            last = name.rsplit(".", 1)[-1]
            if last == "freq":
                tensor.copy_(10 + normal(tensor))
            elif last in ("z", "deltas"):
                tensor.mul_(1 + 0.01 * normal(tensor))
            elif last == "t":
                tensor.add_(0.003)
            elif "norm" in name or "ln_f" in name:
                tensor.copy_((1.0 if last == "weight" else 0.0) + 0.2 * normal(tensor))
            elif "implicit_filter" in name:
                tensor.copy_(normal(tensor) * 0.7 / tensor.shape[-1] ** 0.5)
            elif "short_filter" in name:
                tensor.copy_(0.5 * normal(tensor))
            elif tensor.dim() == 1:
                tensor.copy_(0.3 * normal(tensor))
            else:
                tensor.copy_(normal(tensor) * (1.0 if "word" in name or "lm_head" in name else 1.2 / tensor.shape[-1] ** 0.5))


# --- running ----------------------------------------------------------------------------------------------------------

def outputs_original(model, ids):
    """({name: output}, the looked-up rows)."""
    found, rows = {}, {}

    def embedded(module, inputs, output):
        rows["words"] = output.detach().requires_grad_()
        found["hidden.0"] = rows["words"]
        return rows["words"]

    hooks = [model.backbone.embeddings.word_embeddings.register_forward_hook(embedded)]
    for k, layer in enumerate(model.backbone.layers):
        hooks.append(layer.register_forward_hook(
            lambda module, inputs, output, k=k: found.__setitem__(f"hidden.{k + 1}", output[0] + output[1])))
    last = model(ids)
    for hook in hooks:
        hook.remove()
    found[f"hidden.{len(model.backbone.layers)}"] = last
    found["logits"] = last @ model.backbone.embeddings.word_embeddings.weight.T
    return found, rows["words"]


def outputs_hub(model, ids):
    rows = {}

    def embedded(module, inputs, output):
        rows["words"] = output.detach().requires_grad_()
        return rows["words"]

    hook = model.get_input_embeddings().register_forward_hook(embedded)
    states = model.hyena.backbone(ids, output_hidden_states=True)[1]
    hook.remove()
    states = states[:-2] + states[-1:]  # the last is shown before and after the final norm
    found = {f"hidden.{k}": state for k, state in enumerate(states)}
    found["logits"] = model.lm_head(states[-1])
    return found, rows["words"]


def gradients(run, model, ids):
    layers = len([name for name in run(model, ids)[0] if name.startswith("hidden")]) - 1
    result = {}
    for name in ["logits"] + [f"hidden.{k}" for k in range(1, layers + 1)]:
        found, words = run(model, ids)
        output = found[name]
        scalar = (formula(name, output.numel()).to(output.dtype) * output.reshape(-1)).sum()
        result[name] = torch.autograd.grad(scalar, words)[0][0]
    return result


def record(folder, run, single, double, sequences, whole):
    """`whole`: gradients of all outputs, else of the logits only."""
    expected = {}
    for j, ids in enumerate(sequences):
        batch = torch.tensor([ids])
        with double() as model:
            exact, _ = run(model, batch)
            slopes = gradients(run, model, batch)
        with single() as model:
            rough, _ = run(model, batch)
            rough_slopes = gradients(run, model, batch)
        expected[f"input{j}.ids"] = torch.tensor(ids)
        last = f"hidden.{max(int(name[7:]) for name in exact if name != 'logits')}"
        for name, value in exact.items():
            assert value.dtype == torch.float64, name
            expected[f"input{j}.{name}"] = value[0].detach().contiguous()
        for name in ("logits", last):
            expected[f"input{j}.f32.{name}"] = rough[name][0].detach().contiguous()
        for name, value in slopes.items():
            if not whole and name != "logits":
                continue
            error = (rough_slopes[name].double() - value).abs().max() / value.abs().max()
            expected[f"input{j}.gradient.{name}"] = value.contiguous()
            expected[f"input{j}.gradient.{name}.f32_error"] = error.reshape(1)
        for name in ("logits", last):
            print(f"  {folder.name} {j} {name}: PyTorch in float is {(rough[name].double() - exact[name]).abs().max():.1e} away")
    (folder.parent / "expected").mkdir(exist_ok=True)  # not beside the weights: it would be taken for them
    save_file(expected, folder.parent / "expected" / f"{folder.name}.safetensors")


# --- the authors' layout ----------------------------------------------------------------------------------------------

def opaque(module, name, **members):
    """An object of a class that the reader must not know."""
    parent = sys.modules.setdefault(module.split(".")[0], types.ModuleType(module.split(".")[0]))
    parent.__path__ = []
    home = sys.modules.setdefault(module, types.ModuleType(module))
    made = getattr(home, name, None) or type(name, (), {"__module__": module})
    setattr(home, name, made)
    thing = made()
    thing.__dict__.update(members)
    return thing


def make_original(code, out, name, config, checkpointing, sequences, seed, whole=True):
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    build = lambda: code.HyenaDNAModel(**json.loads(json.dumps(config))).eval()
    model = build()
    randomise(model, seed)
    state = {}
    for key, value in model.state_dict().items():
        if checkpointing:
            key = key.replace(".mixer.", ".mixer.layer.").replace(".mlp.", ".mlp.layer.")
        state["model." + key] = value
    state["model.lm_head.weight"] = state["model.backbone.embeddings.word_embeddings.weight"]
    if checkpointing:
        state["train_torchmetrics.num-tokens.count"] = torch.tensor(12345)
    metadata = opaque("omegaconf.base", "ContainerMetadata", ref_type=None, optional=True, flags={"struct": True})
    content = {"model": opaque("omegaconf.nodes", "AnyNode", _val="hyena", _metadata=metadata)}
    torch.save({
        "epoch": 3, "global_step": 17, "pytorch-lightning_version": "1.8.6", "state_dict": state,
        "optimizer_states": [{"state": {0: {"step": torch.tensor(17.0), "exp_avg": torch.zeros(3, 2)}}, "param_groups": []}],
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5)}},
        "hyper_parameters": opaque("omegaconf.dictconfig", "DictConfig", _content=content, _metadata=metadata),
    }, folder / "weights.ckpt")

    def load():
        model = build()
        stored = torch.load(folder / "weights.ckpt", weights_only=False)["state_dict"]
        own = {}
        for key in model.state_dict():
            in_file = "model." + key
            if checkpointing:
                in_file = in_file.replace(".mixer", ".mixer.layer").replace(".mlp", ".mlp.layer")
            own[key] = stored[in_file]
        model.load_state_dict(own)
        return model

    for key, value in load().state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key

    @contextlib.contextmanager
    def single():
        yield load()

    @contextlib.contextmanager
    def double():
        loaded = load().double()
        for block in loaded.backbone.layers:
            block.residual_in_fp32 = False
        yield loaded

    record(folder, outputs_original, single, double, sequences, whole)


# --- the hub's layout -------------------------------------------------------------------------------------------------

def make_hub(code, configuration, out, name, settings, sequences, seed, whole=True):
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    config = configuration.HyenaConfig(**settings)
    config.auto_map = {"AutoConfig": "configuration_hyena.HyenaConfig", "AutoModelForCausalLM": "modeling_hyena.HyenaDNAForCausalLM"}
    model = code.HyenaDNAForCausalLM(config).eval()
    randomise(model, seed)
    # save_pretrained of this version refuses the shared frequencies; published files hold them under one of their names. Here the last.
    model.config.architectures = ["HyenaDNAForCausalLM"]
    model.config.save_pretrained(folder)
    state = {}
    for key, value in model.state_dict().items():
        shared = [name for name, other in state.items() if other.data_ptr() == value.data_ptr()]
        if shared and not key.endswith(".freq"):
            continue
        for name in shared:
            del state[name]
        state[key] = value
    save_file(state, folder / "model.safetensors", {"format": "pt"})

    def load():
        # from_pretrained fills a missing name of a shared tensor from the one that is there.
        loaded = code.HyenaDNAForCausalLM.from_pretrained(folder).eval()
        for layer, other in zip(loaded.hyena.backbone.layers, model.hyena.backbone.layers):
            assert torch.equal(layer.mixer.filter_fn.implicit_filter[1].freq, other.mixer.filter_fn.implicit_filter[1].freq)
        return loaded

    for key, value in load().state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key

    @contextlib.contextmanager
    def single():
        yield load()

    @contextlib.contextmanager
    def double():
        loaded = load().double()
        code.torch = DoubleTorch()
        try:
            yield loaded
        finally:
            code.torch = torch

    record(folder, outputs_hub, single, double, sequences, whole)


def letters(count, seed):
    """CLS, letters, SEP, as the authors' tokenizer writes them."""
    generator = np.random.default_rng(seed)
    return [0] + generator.integers(7, 12, count - 2).tolist() + [1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    original = import_original()
    hub, configuration = import_hub()
    layer = {"_name_": "hyena", "emb_dim": 5, "filter_order": 10, "local_order": 3, "l_max": 70, "modulate": True, "w": 10,
             "lr": 6e-4, "wd": 0.0, "lr_pos_emb": 0.0}
    common = {"n_layer": 3, "vocab_size": 12, "resid_dropout": 0.0, "embed_dropout": 0.1, "fused_mlp": False,
              "fused_dropout_add_ln": True, "residual_in_fp32": True, "pad_vocab_size_multiple": 8, "return_hidden_state": True}
    short = [letters(7, 1), [9], letters(70, 2), [4, 4, 3, 6, 5, 2, 0, 10, 1]]
    make_original(original, out, "original", {"d_model": 20, "d_inner": 80, **common, "layer": layer}, False, short, 1)
    make_original(original, out, "original_checkpointing", {
        "d_model": 16, "d_inner": 40, **common, "n_layer": 2, "checkpoint_mixer": True, "checkpoint_mlp": True,
        "layer_norm_epsilon": 1e-3,
        "layer": {**layer, "emb_dim": 7, "num_inner_mlps": 1, "shift": 0.2, "modulate": True},
    }, True, short, 2)
    make_original(original, out, "original_plain_filter", {
        "d_model": 8, "d_inner": 12, **common, "n_layer": 1, "pad_vocab_size_multiple": 1,
        "layer": {**layer, "emb_dim": 3, "modulate": False},
    }, False, short, 3)
    make_hub(hub, configuration, out, "hub", dict(
        vocab_size=12, d_model=36, d_inner=50, max_seq_len=70, emb_dim=5, n_layer=2, filter_order=9, activation_freq=10,
        layer_norm_epsilon=1e-3, tie_word_embeddings=False, pad_token_id=4), short, 4)
    make_hub(hub, configuration, out, "hub_tied", dict(
        vocab_size=12, d_model=12, max_seq_len=70, emb_dim=3, n_layer=1, filter_order=7, num_inner_mlps=3, activation_freq=3,
        train_freq=False, pad_vocab_size_multiple=4), short, 5)
    make_hub(hub, configuration, out, "hub_long", dict(
        vocab_size=12, d_model=17, d_inner=20, max_seq_len=700, emb_dim=5, n_layer=1, filter_order=16, activation_freq=10,
        tie_word_embeddings=False), [letters(600, 6), letters(200, 7)], 6, whole=False)


if __name__ == "__main__":
    main()
