"""Golden checkpoints of supervised networks in PyTorch's containers, and what the published code computes from them.

    SEI_CODE=DIR KIPOI_CODE=DIR LEGNET_CODE=DIR ENFORMER_CODE=DIR PHYLOGPN_CODE=DIR python make_supervised.py --out ../supervised

The folders hold the authors' files (README.md says which). Sei, DeepSEA, Beluga and Basset write their widths as numbers:
the text of the file is run with some of these numbers replaced (`widths` of a case), nothing else. A checkpoint is
written first, loaded back by the published class, compared, and only then run. Gradients: dS by the one-hot rows in the
order A, C, G, T, S as in make_gradients.py, of the first `gradients` sequences.
"""

import argparse
import collections
import importlib
import json
import os
import pathlib
import platform
import re
import shutil
import sys
import types

import numpy as np
import scipy
import torch
import transformers
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file

from make_gradients import formula

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()


def published(variable, path, name, widths=None):
    """A module made of a published file, with numbers replaced."""
    text = (pathlib.Path(os.environ[variable]) / path).read_text()
    if widths:
        found = set(re.findall(r"\b\d+\b", text))
        assert all(str(old) in found for old in widths), path
        text = re.sub(r"\b\d+\b", lambda m: str(widths.get(int(m[0]), m[0])), text)
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def encode(text, order, other):
    """(letters, L) one-hot; other letters have `other` in all channels; '.' is padding: zeros."""
    x = np.zeros((len(order), len(text)))
    for i, letter in enumerate(text):
        if letter in order:
            x[order.index(letter), i] = 1
        elif letter != ".":
            x[:, i] = other
    return torch.from_numpy(x)


def random_sequence(length, rng, unknown=0.02):
    letters = rng.choice(list("ACGTN"), length, p=[(1 - unknown) / 4] * 4 + [unknown])
    return "".join(letters)


def random_state(shapes, seed, gain):
    """Products that keep the size of rows, norms that are not the default."""
    rng = np.random.Generator(np.random.PCG64(seed))
    state = collections.OrderedDict()
    for name, shape in shapes.items():
        z = rng.standard_normal(shape)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
            continue
        if name.endswith("running_var"):
            value = 1 + 0.3 * np.abs(np.clip(z, -2, 2))
        elif name.endswith("running_mean"):
            value = 0.2 * z
        elif len(shape) == 1:
            value = 1 + 0.2 * np.clip(z, -2, 2) if name.endswith("weight") else 0.15 * z  # weights of norms
        else:
            value = gain * z / np.sqrt(np.prod(shape[1:]))
        state[name] = torch.from_numpy(np.asarray(value, dtype=np.float32))
    return state


# --- the cases: how a network is made, run (outputs, embedding of one (4, L) one-hot matrix), and kept --------------------

def make_sei(c):
    code = published("SEI_CODE", "model/sei.py", "sei", c["widths"])
    model = code.Sei(4096, c["targets"])

    def run(model, x):
        spline = []
        length = x.shape[-1] // 4 // 4
        # The published matrix is a float32 tensor: so it is here in both types.
        model.spline_tr[1]._spline_tr = code.spline_factory(length, 16).to(x.dtype)
        handle = model.spline_tr.register_forward_hook(lambda m, a, y: spline.append(y))
        output = model(x[None])[0]
        handle.remove()
        return [output], spline[0][0]

    return model, run


def make_deepsea(c):
    code = published("KIPOI_CODE", "DeepSEA/model_architecture.py", "deepsea", c["widths"])
    model = code.get_seqpred_model(False) if c["average"] else code.get_model(False)

    def run(model, x):
        seen = []
        net = model[2] if c["average"] else model[1]
        handle = net[13].register_forward_hook(lambda m, a, y: seen.append(y))
        output = model(x[None, :, None, :])[0]
        handle.remove()
        return [output], seen[0][0]  # of the forward strand

    return model, run


def make_beluga(c):
    model = published("KIPOI_CODE", "DeepSEA/beluga/model.py", "beluga", c["widths"]).Beluga()

    def run(model, x):
        seen = []
        handle = model.model[1][3].register_forward_hook(lambda m, a, y: seen.append(y))
        output = model(x[None, :, None, :])[0]
        handle.remove()
        return [output], seen[0][0]

    return model, run


def make_basset(c):
    model = published("KIPOI_CODE", "Basset/pretrained_model_reloaded_th.py", "basset", c["widths"])
    model = model.get_model(False)

    def run(model, x):
        seen = []
        handle = model[19].register_forward_hook(lambda m, a, y: seen.append(y))
        output = model(x[None, :, :, None])[0]
        handle.remove()
        return [output], seen[0][0]

    return model, run


def make_legnet(c):
    code = published("LEGNET_CODE", "model.py", "legnet")
    s = c["settings"]
    model = code.LegNet(in_ch=4 + s["use_reverse_channel"], **{k: s[k] for k in (
        "stem_ch", "stem_ks", "ef_ks", "ef_block_sizes", "pool_sizes", "resize_factor")})

    def run(model, x):
        seen = []
        handle = model.head[2].register_forward_hook(lambda m, a, y: seen.append(y))
        if s["use_reverse_channel"]:
            x = torch.cat([x, torch.zeros_like(x[:1])])  # the forward strand
        output = model(x[None])
        handle.remove()
        return [output], seen[0][0]

    return model, run


def gamma_by_positions(published_features):
    """TensorFlow's gamma features: the port's own ones with the largest of all positions instead of all functions."""
    def features(*args, **named):
        amax, torch.amax = torch.amax, lambda x, dim, keepdim: amax(x, dim=0, keepdim=keepdim)
        try:
            return published_features(*args, **named)
        finally:
            torch.amax = amax
    return features


def make_enformer(c):
    root = os.environ["ENFORMER_CODE"]
    sys.path.insert(0, root)
    package = types.ModuleType("enformer_pytorch")
    package.__path__ = [root + "/enformer_pytorch"]
    data = types.ModuleType("enformer_pytorch.data")  # reads genomes; not used here
    data.str_to_one_hot = data.seq_indices_to_one_hot = None
    sys.modules.update({"enformer_pytorch": package, "enformer_pytorch.data": data})
    sys.modules.pop("enformer_pytorch.modeling_enformer", None)
    code = importlib.import_module("enformer_pytorch.modeling_enformer")
    if c["tensorflow"]:
        code.get_positional_features_gamma = gamma_by_positions(code.get_positional_features_gamma)
    model = code.Enformer.from_hparams(**{k: v for k, v in c["settings"].items() if k != "use_tf_gamma"})

    def run(model, x):
        torch.set_default_dtype(x.dtype)  # of the features' half lives and means
        outputs, embedding = model(x.T, return_embeddings=True)
        torch.set_default_dtype(torch.float32)
        return [outputs["human"], outputs["mouse"]], embedding

    return model, run


def make_phylogpn(c):
    typing = types.ModuleType("jaxtyping")  # annotations alone
    typing.Float = typing.Int = collections.defaultdict(lambda: torch.Tensor)
    sys.modules["jaxtyping"] = typing
    code = published("PHYLOGPN_CODE", "src/gpn/phylo/model.py", "phylogpn")
    model = code.PhyloGPNModel(code.PhyloGPNConfig(**c["settings"]))

    def run(model, x):
        net = model._model
        rows = net.embedding.weight
        unknown = (x.detach().sum(0) == 0).to(x.dtype)
        words = x.T @ rows[:4] + unknown[:, None] * rows[4]
        embedding = net.output_layer_norm(net.blocks(words.T[None]).swapaxes(1, 2))
        output = net.output_conv(net.output_gelu(embedding.swapaxes(1, 2))).swapaxes(1, 2)[0]
        tokens = torch.where(unknown > 0, 4, x.detach().argmax(0))
        whole = model(tokens[None])
        assert all(torch.equal(whole[letter][0], output[:, i]) for i, letter in enumerate("ACGT"))
        return [output], embedding[0]

    return model, run


SEI_WIDTHS = {480: 5, 640: 6, 960: 7}
DEEPSEA_WIDTHS = {320: 6, 480: 5, 960: 7, 50880: 7 * 53, 925: 9, 919: 8}
LEGNET = dict(stem_ch=6, stem_ks=5, ef_ks=3, ef_block_sizes=[7, 8, 9, 6], resize_factor=4, pool_sizes=[2, 2, 2, 2],
              reverse_augment=True, use_reverse_channel=False, use_shift=True, max_shift=None, max_lr=0.01,
              weight_decay=0.1, model_dir="", data_path="", epoch_num=25, device=0, seed=777, train_batch_size=1024,
              valid_batch_size=1024, num_workers=8)

ENFORMER = dict(dim=24, depth=2, heads=2, output_heads=dict(human=5, mouse=3), target_length=6,
                attn_dim_key=4, dropout_rate=0.4, attn_dropout=0.05, pos_dropout=0.01, use_checkpointing=False,
                num_downsamples=3, dim_divisible_by=6)

CASES = {
    "sei": dict(make=make_sei, type="sei", file="sei.pth", prefix="module.model.", order="ACGT", other=0.25, lengths=(4096, 230),
                pad=4096, gradients=(1,), widths=SEI_WIDTHS, targets=11, gain=1.0,
                note="the published file's keys (module.model.); 230 letters between zeros, as the study runs it"),
    "deepsea_predict": dict(make=make_deepsea, type="deepsea", file="deepsea_predict.pth", order="ACGT", other=0.25, lengths=(1000, 1000),
                            gradients=(0,), widths=DEEPSEA_WIDTHS, average=True, gain=1.3,
                            note="the mean of both strands"),
    "deepsea_variant_effects": dict(make=make_deepsea, type="deepsea", file="deepsea_variant_effects.pth", order="ACGT", other=0.25,
                                    lengths=(1000,), gradients=(0,), widths=DEEPSEA_WIDTHS, average=False, gain=1.3,
                                    note="one strand"),
    "beluga": dict(make=make_beluga, type="beluga", file="deepsea.beluga.pth", order="AGCT", other=0.25, lengths=(2000,), gradients=(0,),
                   widths={320: 4, 480: 5, 640: 6, 67840: 6 * 106, 2003: 8, 2002: 7}, gain=1.4, note="channels A, G, C, T"),
    "basset": dict(make=make_basset, type="basset", file="pretrained_model_reloaded_th.pth", order="ACGT", other=0.25, lengths=(600, 600),
                   gradients=(0,), widths={300: 6, 200: 5, 2000: 50, 1000: 9, 164: 7}, gain=1.3, note="batch norms"),
    "legnet": dict(make=make_legnet, type="legnet", file="pearson.ckpt", prefix="model.", lightning=True,
                   order="AGCT", other=0.25, lengths=(230, 97), gradients=(1,), settings=LEGNET, gain=1.3,
                   note="a Lightning checkpoint beside config.json; channels A, G, C, T"),
    "legnet_reverse": dict(make=make_legnet, type="legnet", file="pearson.ckpt", prefix="model.", lightning=True,
                           order="AGCT", other=0.25, lengths=(101,), gradients=(0,), gain=1.3,
                           settings=LEGNET | dict(use_reverse_channel=True, stem_ks=7, ef_ks=5, ef_block_sizes=[8, 10],
                                                  pool_sizes=[3, 1], resize_factor=2),
                           note="a fifth channel for the strand, even widths, a block without pooling"),
    "enformer": dict(make=make_enformer, type="enformer", file="pytorch_model.bin", order="ACGT", other=0.0,
                     lengths=(80, 77), gradients=(1,), settings=ENFORMER, tensorflow=True, gain=1.2,
                     note="gamma features as in TensorFlow; an odd number of rows before a pooling"),
    "enformer_port": dict(make=make_enformer, type="enformer", file="pytorch_model.bin", order="ACGT", other=0.0,
                          lengths=(48,), gradients=(0,), tensorflow=False, gain=1.2,
                          settings=ENFORMER | dict(use_tf_gamma=False, dim=36, heads=3, num_downsamples=3, depth=1,
                                                   attn_dim_key=5, dim_divisible_by=18, target_length=-1),
                          note="the port's own gamma features; nothing cropped"),
    "phylogpn": dict(make=make_phylogpn, type="phylogpn", file="pytorch_model.bin", order="ACGT", other=0.0, lengths=(36, 17),
                     gradients=(0, 1), gain=1.5, settings=dict(outer_dim=10, inner_dim=6, kernel_size=3, stack_size=2, num_stacks=2),
                     note="dilations 1 and 3, twice; 16 rows fewer than letters"),
}


# --- running ------------------------------------------------------------------------------------------------------------

def padded(text, c):
    """The study's window: zeros around, one more behind when the number is odd."""
    missing = c.get("pad", len(text)) - len(text)
    return "." * (missing // 2) + text + "." * (missing - missing // 2)


def expected_outputs(c, load, run, sequences):
    tensors, largest = {}, 0.0
    for dtype, prefix in ((torch.float32, "f32."), (torch.float64, "")):
        model = load().to(dtype).eval()
        for j, text in enumerate(sequences):
            x = encode(padded(text, c), c["order"], c["other"]).to(dtype).requires_grad_(True)
            outputs, embedding = run(model, x)
            total = 0.0
            for k, output in enumerate(outputs):
                suffix = str(k) if k else ""
                assert output.dtype == dtype and torch.isfinite(output).all()
                tensors[f"case{j}.{prefix}output{suffix}"] = output.detach().clone()
                cotangent = formula("output" + suffix, output.numel()).to(dtype)
                total = total + (output * cotangent.reshape(output.shape)).sum()
            tensors[f"case{j}.{prefix}embedding"] = embedding.detach().clone()
            tensors[f"case{j}.sequence"] = torch.tensor(list(text.encode()), dtype=torch.uint8)
            if j in c["gradients"]:
                total.backward()
                before = (x.shape[1] - len(text)) // 2
                rows = [c["order"].index(letter) for letter in "ACGT"]
                tensors[f"case{j}.{prefix}gradient"] = x.grad[rows, before:before + len(text)].T
            if dtype == torch.float64:
                gap = (tensors[f"case{j}.output"] - tensors[f"case{j}.f32.output"].double()).abs().max().item()
                largest = max(largest, gap)
    return {k: v.contiguous() for k, v in tensors.items()}, largest


def make_case(name, c, seed, out):
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fresh, run = c["make"](c)
    shapes = {k: tuple(v.shape) for k, v in fresh.state_dict().items() if not k.startswith("_trunk.")}
    state = random_state(shapes, seed, c["gain"])
    fresh.load_state_dict(state, strict=False)
    state = fresh.state_dict()  # with Enformer's second names, which share their memory
    stored = collections.OrderedDict((c.get("prefix", "") + k, v) for k, v in state.items())
    torch.save({"epoch": 3, "global_step": 40, "state_dict": stored} if c.get("lightning") else stored, folder / c["file"])
    settings = {"model_type": c["type"]} | c.get("settings", {})
    (folder / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    kept = {k: v.double().clone() for k, v in state.items()}

    def load():
        read = torch.load(folder / c["file"], weights_only=True)
        read = read["state_dict"] if c.get("lightning") else read
        fresh.load_state_dict({k[len(c.get("prefix", "")):]: v for k, v in read.items()})
        assert all(torch.equal(v.double(), kept[k]) for k, v in fresh.float().state_dict().items())
        return fresh

    rng = np.random.Generator(np.random.PCG64(1000 + seed))
    sequences = [random_sequence(length, rng) for length in c["lengths"]]
    tensors, gap = expected_outputs(c, load, run, sequences)
    expected = out / "expected" / f"{name}.safetensors"
    expected.parent.mkdir(exist_ok=True)
    save_file(tensors, expected, {"format": "pt"})
    files = [expected, *folder.iterdir()]
    for file in files:
        file.chmod(0o644)
    size = sum(f.stat().st_size for f in files)
    spread = tensors["case0.output"]
    print(f"{name:24s} {size:8d} B  output {spread.min():.3g} to {spread.max():.3g}  f32 vs f64 {gap:.1e}")
    return {"name": name, "file": c["file"], "inputs": len(sequences), "gradients": list(c["gradients"]), "note": c["note"],
            "largest_f32_gap": float(f"{gap:.1e}")}


def gamma_rows(out):
    """Some rows of TensorFlow's gamma densities, which the port of Enformer ships: distances 0, 31, 62, ... and 1535."""
    file = pathlib.Path(os.environ["ENFORMER_CODE"]) / "enformer_pytorch" / "precomputed" / "tf_gammas.pt"
    table = torch.load(file, weights_only=True).numpy()
    distances = np.append(np.arange(0, 1536, 31), 1535)
    save_arrays({"distances": distances, "gammas": table[1535 + distances]}, out / "expected" / "tf_gammas.safetensors")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    gamma_rows(options.out)
    cases = [make_case(name, c, seed, options.out) for seed, (name, c) in enumerate(CASES.items(), start=1)]
    versions = {"python": platform.python_version(), "torch": torch.__version__.split("+")[0], "numpy": np.__version__,
                "scipy": scipy.__version__, "transformers": transformers.__version__}
    (options.out / "INDEX.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=2) + "\n")


if __name__ == "__main__":
    main()
