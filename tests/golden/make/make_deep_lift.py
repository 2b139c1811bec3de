"""Golden hypothetical contributions of a Basset by tangermeme's deep_lift_shap, in double.

    python make_deep_lift.py --basset ../supervised/basset --out ../deep_lift

The network is that of the golden folder, its layers as in the authors' file (Kelley et al. 2016). It has what tangermeme has
rules for: convolutions, batch norms, ReLU, pools whose windows do not overlap, products, a sigmoid. What it has no right rule for is
in make_tangermeme.py.
"""

import argparse
import json
import pathlib
import platform

import numpy as np
import torch
from safetensors.torch import save_file

import tangermeme
from tangermeme.deep_lift_shap import deep_lift_shap

torch.set_num_threads(1)
LETTERS = "ACGT"


class WithoutLastAxis(torch.nn.Module):
    """Convolutions of the file have an axis of length 1 beside the taps."""

    def __init__(self, state):
        super().__init__()
        layers = []
        for module, pool in ((0, 3), (4, 4), (8, 4)):
            weight = state[f"{module}.weight"].squeeze(-1)
            convolution = torch.nn.Conv1d(weight.shape[1], weight.shape[0], weight.shape[2])
            convolution.weight.data = weight.clone()
            convolution.bias.data = state[f"{module}.bias"].clone()
            layers += [convolution, batch_norm(state, module + 1), torch.nn.ReLU(), torch.nn.MaxPool1d(pool)]
        layers.append(torch.nn.Flatten())
        for module in (13, 17):
            layers += [linear(state, module), batch_norm(state, module + 1), torch.nn.ReLU()]
        layers += [linear(state, 21), torch.nn.Sigmoid()]
        self.layers = torch.nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


def batch_norm(state, module):
    norm = torch.nn.BatchNorm1d(state[f"{module}.weight"].shape[0])
    norm.load_state_dict({k: state[f"{module}.{k}"] for k in ("weight", "bias", "running_mean", "running_var")}, strict=False)
    return norm


def linear(state, module):
    weight = state[f"{module}.1.weight"]
    product = torch.nn.Linear(weight.shape[1], weight.shape[0])
    product.weight.data = weight.clone()
    product.bias.data = state[f"{module}.1.bias"].clone()
    return product


def one_hot(text):
    x = torch.zeros(4, len(text), dtype=torch.float64)
    for i, letter in enumerate(text):
        x[LETTERS.index(letter), i] = 1
    return x


def basset(folder):
    """The network of a golden folder, in double."""
    state = torch.load(next(folder.glob("*.pth")), weights_only=False)
    state = {k: v.double() for k, v in (state if isinstance(state, dict) else state.state_dict()).items()}
    return WithoutLastAxis(state).double().eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--basset", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    net = basset(arguments.basset)
    rng = np.random.default_rng(20)
    texts = ["".join(rng.choice(list(LETTERS), 600)) for _ in range(4)]
    x = one_hot(texts[0])[None]
    references = torch.stack([one_hot(t) for t in texts[1:]])[None]
    found = deep_lift_shap(net, x, target=0, references=references, device="cpu", dtype=torch.float64, hypothetical=True)
    with torch.no_grad():
        values = net(torch.cat([x, references[0]]))[:, 0]
    tensors = {
        "sequences": torch.tensor([list(t.encode()) for t in texts], dtype=torch.uint8),
        "hypothetical": found[0].contiguous(),
        "values": values.contiguous(),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, arguments.out / "basset.safetensors")
    about = {"command": "python make_deep_lift.py --basset ../supervised/basset --out ../deep_lift",
             "python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__,
             "tangermeme": tangermeme.__version__}
    (arguments.out / "INDEX.json").write_text(json.dumps(about, indent=2) + "\n")
    print(values, (found[0] * x[0]).sum() - (values[0] - values[1:].mean()))


if __name__ == "__main__":
    main()
