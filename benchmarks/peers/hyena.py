"""HyenaDNA in plain PyTorch, for folders in the hub's layout: the long convolution by FFT, its filter made once.

Written from the formulas. The state is (batch, length, D) for products and norms, (batch, D, length) between the two
projections, where convolutions run along the last axis. The filter of a length is evaluated in double and kept as its
transform of twice the length, as a careful user would.
"""

import math

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


class Hyena(torch.nn.Module):
    def __init__(self, folder, config):
        super().__init__()
        self.c, self.spectra = config, {}
        for name, tensor in load_file(folder / "model.safetensors").items():
            self.register_buffer(name.replace(".", "/"), tensor)

    def take(self, name):
        return getattr(self, name.replace(".", "/"))

    def layer(self, i, name):
        return self.take(f"backbone.layers.{i}.{name}")

    def filter_taps(self, i, length):
        """(D, length)."""
        positions, bands = self.c["max_seq_len"], (self.c["emb_dim"] - 1) // 2
        t = torch.linspace(0, 1, positions, dtype=torch.float64)[:length, None]
        w = 2 * math.pi * torch.arange(length, dtype=torch.float64)[:, None] / positions
        f = torch.linspace(1e-4, bands - 1, bands, dtype=torch.float64)
        x = torch.cat([t, torch.cos(f * w), -torch.sin(f * w)], dim=1)
        part = lambda name: self.layer(i, "mixer.filter_fn.implicit_filter." + name).double()
        for k in range(self.c["num_inner_mlps"] + 1):
            x = torch.sin(part("1.freq") * F.linear(x, part(f"{2 * k}.weight"), part(f"{2 * k}.bias")))
        h = F.linear(x, part(f"{2 * self.c['num_inner_mlps'] + 2}.weight"))
        delta = torch.linspace(math.log(1e-2) / 1.5, math.log(1e-2) / 0.3, h.shape[1], dtype=torch.float64)
        return (h * (torch.exp(-t * delta.abs()) + 0.05)).float().T

    def spectrum(self, i, length):
        if (i, length) not in self.spectra:
            self.spectra[i, length] = torch.fft.rfft(self.filter_taps(i, length), n=2 * length)
        return self.spectra[i, length]

    def mixer(self, i, x):
        length, d = x.shape[1], x.shape[2]
        weight = lambda name: (self.layer(i, f"mixer.{name}.weight"), self.layer(i, f"mixer.{name}.bias"))
        u = F.linear(x, *weight("in_proj")).transpose(1, 2)
        u = F.conv1d(u, *weight("short_filter"), padding=2, groups=3 * d)[..., :length]
        x0, x1, v = u.split(d, dim=1)
        v = v * x1
        y = torch.fft.irfft(torch.fft.rfft(v, n=2 * length) * self.spectrum(i, length), n=2 * length)[..., :length]
        y = (y + v * self.layer(i, "mixer.filter_fn.bias")[:, None]) * x0
        return F.linear(y.transpose(1, 2), *weight("out_proj"))

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.take(name + ".weight"), self.take(name + ".bias"), 1e-5)

    def states(self, ids):
        """The embedding, the stream behind every block, the last after the final norm."""
        x = self.take("backbone.embeddings.word_embeddings.weight")[ids]
        found = [x]
        for i in range(self.c["n_layer"]):
            pre = f"backbone.layers.{i}."
            x = x + self.mixer(i, self.norm(x, pre + "norm1"))
            y = F.linear(self.norm(x, pre + "norm2"), self.take(pre + "mlp.fc1.weight"), self.take(pre + "mlp.fc1.bias"))
            y = F.gelu(y, approximate="tanh")
            x = x + F.linear(y, self.take(pre + "mlp.fc2.weight"), self.take(pre + "mlp.fc2.bias"))
            found.append(x)
        found[-1] = self.norm(x, "backbone.ln_f")
        return found

    def forward(self, ids, keep):
        weight = keep / keep.sum(dim=1, keepdim=True)
        return torch.stack([torch.einsum("bl,bld->bd", weight, x) for x in self.states(ids)])
