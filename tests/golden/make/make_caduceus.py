"""Golden checkpoints of Caduceus, Ph and PS, by the authors' code with the reference kernels of mamba_ssm.

    CADUCEUS_CODE=DIR MAMBA_CODE=DIR python make_caduceus.py --out ../caduceus

Needs torch, transformers, safetensors, einops as in requirements.txt. The folders (README.md has the commits) hold the package `caduceus`
and the package `mamba_ssm`, unchanged; no part of them is compiled. The kernels that need a GPU are replaced by the references that stand
beside them in mamba_ssm: selective_scan_ref, and rms_norm_ref (without its cast to float32) for the fused and the plain norm; the short
convolution takes torch's path, as mamba_ssm does by itself where causal_conv1d is missing. `triton` is an empty stub.

Every checkpoint is written first, loaded back by from_pretrained, compared tensor by tensor, and only then run: in float64 (float32 weights
widened; the casts to float32 are turned off) and in float32 as it is. Nothing is left at its default.

expected/<case>.safetensors, for sequence j: input{j}.ids (T); input{j}.hidden.{k} (T, width) float64, k = 0 the embedding, k the residual
stream after block k, the last one after the final norm; input{j}.logits (T, V); input{j}.gradient.{output} (T, width): dS by the word
rows with S = sum over i of u(output, i) output[i] as in make_gradients.py; and input{j}.gradient.{output}.f32_error, how far PyTorch's
float32 is from it, relative to its largest number. expected/tokens.json:
texts and their numbers by the authors' tokenizer.
"""

import argparse
import contextlib
import importlib
import json
import math
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


# --- the authors' code on reference kernels -----------------------------------------------------------------------------

class Anything:
    """Stands for what only describes kernels that do not run: decorators, constants, types."""

    def __getattr__(self, name):
        return Anything()

    def __le__(self, other):
        return True

    def __call__(self, *args, **kwargs):
        return args[0] if len(args) == 1 and callable(args[0]) and not kwargs else Anything()


def package(name, folder):
    """A package without its __init__."""
    made = types.ModuleType(name)
    made.__path__ = [str(folder)]
    sys.modules[name] = made


def import_authors():
    for name in ("triton", "triton.language"):
        stub = types.ModuleType(name)
        stub.__getattr__ = lambda attribute: Anything()
        stub.__path__, stub.__version__ = [], "3.0.0"
        sys.modules[name] = stub
    mamba = pathlib.Path(os.environ["MAMBA_CODE"]) / "mamba_ssm"
    for part in ("", ".modules", ".ops", ".ops.triton", ".utils"):
        package("mamba_ssm" + part, mamba / part[1:].replace(".", "/"))
    norms = importlib.import_module("mamba_ssm.ops.triton.layer_norm")

    def rms_norm(x, weight, bias, residual=None, eps=1e-6, prenorm=False, **others):
        return norms.rms_norm_ref(x, weight, bias, residual=residual, eps=eps, prenorm=prenorm, upcast=False)

    def layer_norm(x, weight, bias, is_rms_norm=False, **others):
        assert is_rms_norm
        return rms_norm(x, weight, bias, **others)

    norms.rms_norm_fn, norms.layer_norm_fn = rms_norm, layer_norm
    scan = importlib.import_module("mamba_ssm.ops.selective_scan_interface")
    scan.selective_scan_fn = scan.selective_scan_ref
    mixer = importlib.import_module("mamba_ssm.modules.mamba_simple")
    assert mixer.causal_conv1d_fn is None
    package("caduceus", pathlib.Path(os.environ["CADUCEUS_CODE"]) / "caduceus")
    return [importlib.import_module("caduceus." + name) for name in
            ("modeling_caduceus", "configuration_caduceus", "tokenization_caduceus")]


@contextlib.contextmanager
def no_casts():
    """float() keeps float64."""
    cast = torch.Tensor.float
    torch.Tensor.float = lambda tensor: tensor if tensor.dtype == torch.float64 else cast(tensor)
    try:
        yield
    finally:
        torch.Tensor.float = cast


# --- weights ------------------------------------------------------------------------------------------------------------

def randomise(model, seed):
    """Numbers of the size of trained ones; nothing is left at its default."""
    generator = torch.Generator().manual_seed(seed)
    normal = lambda t: torch.randn(t.shape, generator=generator)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            last = name.rsplit(".", 1)[-1]
            if "norm" in name or last == "D":
                tensor.copy_(1.0 + 0.2 * normal(tensor))
            elif last == "A_log":
                tensor.copy_(torch.log(torch.arange(1, tensor.shape[1] + 1)) + 0.3 * normal(tensor))
            elif "conv1d" in name:
                tensor.copy_(0.5 * normal(tensor))
            elif name.endswith("dt_proj.bias"):
                tensor.copy_(normal(tensor) - 1.5)
            elif "embedding" in name or "lm_head" in name:
                tensor.copy_(normal(tensor))
            elif "x_proj" in name:  # B and C of size 1/2: larger ones make streams of hundreds
                tensor.copy_(normal(tensor) * 0.5 / math.sqrt(tensor.shape[-1]))
            else:
                tensor.copy_(normal(tensor) * 1.2 / math.sqrt(tensor.shape[-1]))


# --- running ------------------------------------------------------------------------------------------------------------

def outputs(model, ids):
    """({name: output}, the looked-up rows)."""
    found, rows = {}, {}

    def embedded(module, inputs, output):
        rows["words"] = output.detach().requires_grad_()
        found["hidden.0"] = rows["words"]
        return rows["words"]

    backbone = model.caduceus.backbone
    hooks = [backbone.embeddings.word_embeddings.register_forward_hook(embedded)]
    for k, layer in enumerate(backbone.layers):
        hooks.append(layer.register_forward_hook(
            lambda module, inputs, output, k=k: found.__setitem__(f"hidden.{k + 1}", output[0] + output[1])))
    hooks.append(backbone.register_forward_hook(
        lambda module, inputs, output: found.__setitem__(f"hidden.{len(backbone.layers)}", output[0])))
    # The model's own last step is a cast of the logits.
    hooks.append(model.lm_head.register_forward_hook(
        lambda module, inputs, output: found.__setitem__("logits", output)))
    model(ids)
    for hook in hooks:
        hook.remove()
    return found, rows["words"]


def gradients(model, ids):
    result = {}
    for name in list(outputs(model, ids)[0]):
        if name == "hidden.0":
            continue
        found, words = outputs(model, ids)
        output = found[name]
        scalar = (formula(name, output.numel()).to(output.dtype) * output.reshape(-1)).sum()
        result[name] = torch.autograd.grad(scalar, words)[0][0]
    return result


def record(folder, load, sequences, whole):
    """`whole`: gradients of all outputs, else of the logits only."""
    expected = {}
    for j, ids in enumerate(sequences):
        batch = torch.tensor([ids])
        with no_casts():
            double = load().double()
            exact, slopes = outputs(double, batch)[0], gradients(double, batch)
        rough, rough_slopes = outputs(load(), batch)[0], gradients(load(), batch)
        expected[f"input{j}.ids"] = torch.tensor(ids)
        for name, value in exact.items():
            assert value.dtype == torch.float64, name
            expected[f"input{j}.{name}"] = value[0].detach().contiguous()
        for name, value in slopes.items():
            if not whole and name != "logits":
                continue
            error = (rough_slopes[name].double() - value).abs().max() / value.abs().max()
            expected[f"input{j}.gradient.{name}"] = value.contiguous()
            expected[f"input{j}.gradient.{name}.f32_error"] = error.reshape(1)
        print(f"  {folder.name} {j}: PyTorch in float is {(rough['logits'].double() - exact['logits']).abs().max():.1e} away")
    (folder.parent / "expected").mkdir(exist_ok=True)  # not beside the weights: it would be taken for them
    save_file(expected, folder.parent / "expected" / f"{folder.name}.safetensors")


def make(authors, out, name, settings, sequences, seed, container, whole=True):
    """`container`: all names in pytorch_model.bin, or in model.safetensors one name of what is shared: the first or the last."""
    modeling, configuration, tokenization = authors
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer = tokenization.CaduceusTokenizer(model_max_length=131072)
    config = configuration.CaduceusConfig(
        vocab_size=12, norm_epsilon=1e-5, rms_norm=True, residual_in_fp32=False,
        initializer_cfg={"initializer_range": 0.02, "rescale_prenorm_residual": True, "n_residuals_per_layer": 1},
        complement_map=dict(tokenizer.complement_map) if settings["rcps"] else None, **settings)
    config.auto_map = {"AutoConfig": "configuration_caduceus.CaduceusConfig", "AutoModelForMaskedLM": "modeling_caduceus.CaduceusForMaskedLM"}
    config.architectures = ["CaduceusForMaskedLM"]
    model = modeling.CaduceusForMaskedLM(config).eval()
    randomise(model, seed)
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    state = {}
    for key, value in model.state_dict().items():
        shared = [other for other, stored in state.items() if stored.data_ptr() == value.data_ptr()]
        if container == "first" and shared:
            continue
        if container == "last":
            for other in shared:
                del state[other]
        state[key] = value
    if container == "bin":
        torch.save(state, folder / "pytorch_model.bin")
    else:
        save_file(state, folder / "model.safetensors", {"format": "pt"})

    def load():
        return modeling.CaduceusForMaskedLM.from_pretrained(folder).eval()

    for key, value in load().state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key
    record(folder, load, sequences, whole)
    return tokenizer


def letters(count, seed):
    """Letters and SEP, as the authors' tokenizer writes them."""
    generator = np.random.default_rng(seed)
    return generator.integers(7, 12, count - 1).tolist() + [1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    authors = import_authors()
    mixer = {"d_state": 5, "d_conv": 4, "expand": 2, "dt_rank": "auto", "dt_min": 0.001, "dt_max": 0.1, "dt_init": "random",
             "dt_scale": 1.0, "dt_init_floor": 1e-4, "conv_bias": True, "bias": False, "use_fast_path": True}
    short = [letters(7, 1), [9], letters(70, 2), [4, 4, 3, 6, 5, 2, 0, 10, 1]]
    make(authors, out, "ph", dict(d_model=20, n_layer=3, ssm_cfg=mixer, rcps=False), short, 1, "first")
    make(authors, out, "ph_untied", dict(
        d_model=17, n_layer=2, rcps=False, fused_add_norm=False, tie_word_embeddings=False, pad_vocab_size_multiple=1,
        ssm_cfg={**mixer, "d_state": 3, "d_conv": 3, "expand": 3, "dt_rank": 4, "conv_bias": False}), short, 2, "bin")
    make(authors, out, "ps", dict(d_model=18, n_layer=3, ssm_cfg=mixer, rcps=True), short, 3, "last")
    make(authors, out, "ps_even", dict(d_model=9, n_layer=2, ssm_cfg={**mixer, "d_state": 16}, rcps=True), short, 4, "bin")
    make(authors, out, "ps_plain", dict(d_model=10, n_layer=3, ssm_cfg=mixer, rcps=True, fused_add_norm=False), short, 5, "first")
    tokenizer = make(authors, out, "ps_long", dict(d_model=12, n_layer=1, ssm_cfg=mixer, rcps=True), [letters(300, 6), letters(64, 7)],
                     6, "first", whole=False)
    texts = ["", "ACGTN", "acgtn", "GATTACA", "AXC", "A[MASK]C", "nnnn", "ACGU"]
    (out / "expected" / "tokens.json").write_text(
        json.dumps({text: tokenizer(text)["input_ids"] for text in texts}, indent=1) + "\n")


if __name__ == "__main__":
    main()
