"""Golden numbers of tangermeme, in double: saturation mutagenesis, marginalisation, spacing, and two of its DeepLIFT rules that are wrong.

    python make_tangermeme.py --golden .. --out ../attribution

Needs tangermeme 1.4.0 with what it needs. Writes tangermeme.safetensors, versions in its metadata.

Of the golden Basset (the layers of make_deep_lift.py), columns A, C, G, T:

    sequence               (600) letters
    mutagenesis            (4, 120) saturation_mutagenesis of output 0, hypothetical, at positions [240, 360)
    mutagenesis.sizes      (1) sum of sizes over all positions
    mutagenesis.reference  (7) f(x)
    backgrounds            (5, 600) letters
    marginal               (5, 7) y_after - y_before of marginalize with TGACTCA in the middle
    spacing                (5, 2, 7) y_after - y_before of space with TGACTCA, 5 or 12 bases, GATAAG around the middle

`overlap` and `softmax` are networks of a convolution, ReLU, and max-pool of 4 rows every 2, flatten, a product with one output; or
flatten, a product with three outputs, softmax, of which output 0 is explained. Of each `<net>.<tensor>` as float32, in PyTorch's layout,
`<net>.sequences` and `<net>.references` (letters), and of deep_lift_shap `<net>.hypothetical` (sequences, 4, L), all sequences in one
batch, `<net>.alone` (4, L), sequence 0 by itself, and `<net>.differences` (sequences) f(x) - f(r).
"""

import argparse
import pathlib
import platform

import numpy as np
import torch
from safetensors.torch import save_file

import tangermeme
from make_deep_lift import basset, one_hot
from tangermeme.deep_lift_shap import deep_lift_shap
from tangermeme.marginalize import marginalize
from tangermeme.saturation_mutagenesis import saturation_mutagenesis
from tangermeme.space import space

torch.set_num_threads(1)
STRETCH = slice(240, 360)


def letters(texts):
    return torch.tensor([list(text.encode()) for text in texts], dtype=torch.uint8)


def random_texts(rng, count, length):
    return ["".join(rng.choice(list("ACGT"), length)) for _ in range(count)]


def perturbations(net, rng):
    text = random_texts(rng, 1, 600)
    x = one_hot(text[0])[None]
    found = saturation_mutagenesis(net, x, target=0, hypothetical=True, device="cpu")[0]
    texts = random_texts(rng, 5, 600)
    backgrounds = torch.stack([one_hot(t) for t in texts])
    before, after = marginalize(net, backgrounds, "TGACTCA", device="cpu")
    plain, spaced = space(net, backgrounds, ["TGACTCA", "GATAAG"], [[5], [12]], device="cpu")
    with torch.no_grad():
        value = net(x)[0]
    assert found.dtype == after.dtype == spaced.dtype == torch.float64
    return {"sequence": letters(text)[0], "mutagenesis": found[:, STRETCH], "mutagenesis.sizes": found.abs().sum().reshape(1),
            "mutagenesis.reference": value, "backgrounds": letters(texts), "marginal": after - before,
            "spacing": spaced - plain[:, None]}


def explained(name, layers, texts, references):
    """tangermeme's contributions for a small network."""
    net = torch.nn.Sequential(*layers.values()).double().eval()
    x, r = (torch.stack([one_hot(t) for t in which]) for which in (texts, references))
    options = dict(target=0, device="cpu", dtype=torch.float64, hypothetical=True, warning_threshold=1e9)
    together = deep_lift_shap(net, x, references=r[:, None], batch_size=2 * len(texts), **options)
    alone = deep_lift_shap(net, x[:1], references=r[:1, None], batch_size=2 * len(texts), **options)
    with torch.no_grad():
        differences = (net(x) - net(r))[:, 0]
    lost = (together * x).sum(dim=(1, 2)) - differences
    print(name, "differences", differences.tolist(), "lost", lost.tolist(), "alone",
          ((alone[0] * x[0]).sum() - differences[0]).item())
    tensors = {f"{part}.{key}": value.float() for part, layer in layers.items() for key, value in layer.state_dict().items()}
    tensors |= {"sequences": letters(texts), "references": letters(references), "hypothetical": together, "alone": alone[0],
                "differences": differences}
    return {f"{name}.{key}": value for key, value in tensors.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--golden", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    rng = np.random.default_rng(31)
    tensors = perturbations(basset(options.golden / "supervised" / "basset"), rng)
    torch.manual_seed(7)
    nn = torch.nn
    tensors |= explained("overlap", {"convolution": nn.Conv1d(4, 6, 5), "relu": nn.ReLU(), "pool": nn.MaxPool1d(4, 2),
                                     "flatten": nn.Flatten(), "dense": nn.Linear(6 * 17, 1)},
                         random_texts(rng, 1, 40), random_texts(rng, 1, 40))
    tensors |= explained("softmax", {"convolution": nn.Conv1d(4, 6, 5), "relu": nn.ReLU(), "flatten": nn.Flatten(),
                                     "dense": nn.Linear(6 * 12, 3), "softmax": nn.Softmax(dim=-1)},
                         random_texts(rng, 2, 16), random_texts(rng, 2, 16))
    file = options.out / "tangermeme.safetensors"
    versions = {"command": "python make_tangermeme.py --golden .. --out ../attribution", "python": platform.python_version(),
                "torch": torch.__version__.split("+")[0], "tangermeme": tangermeme.__version__, "numpy": np.__version__}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file, versions)
    file.chmod(0o644)
    print(file.stat().st_size)


if __name__ == "__main__":
    main()
