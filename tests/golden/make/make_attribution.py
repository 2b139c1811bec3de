"""Saliency and integrated gradients by captum, on the bundled GPN model, by its one-hot input.

    python make_attribution.py --model ../../../examples/data/models/dnalm-yeast-human-gpn --out ../attribution

The scalar is f = sum over channels d of w[d] times the mean over positions of the last hidden state, w[d] = 1 where d is a
multiple of 3, else -0.5. All in float64. Made with torch 2.8.0, captum 0.8.0, numpy 2.4.6. The network is written from its
formulas (as in benchmarks/peers/convnet.py, and checked against the published code by make_convnets.py's goldens through the
library's own tests).
"""

import argparse
import json
import pathlib

import torch
import torch.nn.functional as F
from captum.attr import IntegratedGradients, Saliency
from safetensors.torch import load_file, save_file

SEQUENCE = "ATGGCTAAATCCCAAGGTATTGTC"
LETTERS = "ACGT"
FIRST_LETTER = 3  # number of the token `a`; c, g, t follow


class Scalar:
    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        self.tensors = {name: tensor.double() for name, tensor in load_file(folder / "model.safetensors").items()}

    def __call__(self, columns):
        """f of columns (batch, 4, length)."""
        c, t = self.config, self.tensors
        width = c["hidden_size"]
        x = torch.zeros(columns.shape[0], columns.shape[2], width, dtype=columns.dtype)
        x = torch.cat((x[..., :FIRST_LETTER], columns.transpose(1, 2), x[..., FIRST_LETTER + 4:]), dim=-1)
        for i in range(c["n_layers"]):
            pre = f"model.encoder.{i}."
            step = min(c["dilation_max"], c["dilation_base"] ** (i % c["dilation_cycle"] // c["dilation_double_every"]))
            weight = t[pre + "conv.1.weight"]
            y = F.conv1d(x.transpose(1, 2), weight, t[pre + "conv.1.bias"], padding=step * (weight.shape[-1] // 2), dilation=step)
            x = x + F.layer_norm(F.gelu(y.transpose(1, 2)), (width,), t[pre + "conv.4.weight"], t[pre + "conv.4.bias"], 1e-5)
            y = F.linear(x, t[pre + "ffn.0.weight"], t[pre + "ffn.0.bias"])
            x = x + F.layer_norm(F.gelu(y), (width,), t[pre + "ffn.2.weight"], t[pre + "ffn.2.bias"], 1e-5)
        weights = torch.where(torch.arange(width) % 3 == 0, 1.0, -0.5).double()
        return x.mean(dim=1) @ weights


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    scalar = Scalar(options.model)
    x = torch.zeros(1, 4, len(SEQUENCE), dtype=torch.float64)
    for i, letter in enumerate(SEQUENCE):
        x[0, LETTERS.index(letter), i] = 1
    found = {"value": scalar(x), "saliency": Saliency(scalar).attribute(x.clone().requires_grad_(True), abs=False)[0]}
    integrated = IntegratedGradients(scalar)
    for name, level in (("zero", 0.0), ("uniform", 0.25)):
        baseline = torch.full_like(x, level)
        found[f"integrated.{name}"] = integrated.attribute(x, baseline, n_steps=50, method="gausslegendre")[0]
        found[f"value.{name}"] = scalar(baseline)
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "gpn_captum.safetensors"
    save_file({name: tensor.detach().double().contiguous() for name, tensor in found.items()}, file)
    file.chmod(0o644)


main()
