"""Sei's trunk and one model of SpliceAI in plain PyTorch, on the folders that bench_folder writes.

Written from the papers and the formulas. Letters are rows of ids 0 to 4 (A, C, G, T, N). Three ways to run the same convolutions:

first   conv1d on (batch, channels, length), as the published PyTorch code does
last    conv2d on images of height 1 whose channels lie beside each other, no reordering
frozen  the same images through torch.jit.freeze and optimize_for_inference: oneDNN's blocked layout, batch norms folded, ReLU fused

SpliceAI with `cropped`: no convolution computes a row that no prediction needs (as dnalm does); without: rows of zeros around every
convolution and one crop at the end, as the published network is written.
"""

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file


class Convolution(torch.nn.Module):
    """A convolution along positions; `image`: of (batch, channels, 1, length). padding: rows of zeros on either side."""

    def __init__(self, weight, bias, image, dilation=1, padding=0):
        super().__init__()
        kind = torch.nn.Conv2d if image else torch.nn.Conv1d
        two = (lambda first, n: (first, n)) if image else (lambda first, n: n)
        outputs, inputs, taps = weight.shape
        self.run = kind(inputs, outputs, two(1, taps), dilation=two(1, dilation), padding=two(0, padding))
        weight = weight.unsqueeze(2) if image else weight
        self.run.weight = torch.nn.Parameter(weight.contiguous(), requires_grad=False)
        self.run.bias = torch.nn.Parameter(bias.clone(), requires_grad=False)

    def forward(self, x):
        return self.run(x)


def norm(image, weights, channels):
    """A batch norm, or none."""
    made = (torch.nn.BatchNorm2d if image else torch.nn.BatchNorm1d)(channels, eps=1e-3)
    names = ("weight", "gamma"), ("bias", "beta"), ("running_mean", "moving_mean"), ("running_var", "moving_var")
    made.load_state_dict({ours: weights(theirs) for ours, theirs in names}, strict=False)
    return made.requires_grad_(False)


class Sei(torch.nn.Module):
    def __init__(self, folder, image):
        super().__init__()
        self.tensors, self.image = load_file(folder / "model.safetensors"), image
        self.stages = torch.nn.ModuleList()
        for number, first, second in ((1, 0, 0), (2, 2, 1), (3, 2, 1)):
            names = [f"lconv{number}.{first}", f"lconv{number}.{first + 1}", f"conv{number}.{second}", f"conv{number}.{second + 2}"]
            self.stages.append(torch.nn.ModuleList(self.convolution(name) for name in names))
        self.dilated = torch.nn.ModuleList(self.convolution(f"dconv{i + 1}.1", d) for i, d in enumerate((2, 4, 8, 16, 25)))
        self.register_buffer("basis", self.spline(256, 16))

    def convolution(self, name, dilation=1):
        weight = self.tensors[name + ".weight"]
        return Convolution(weight, self.tensors[name + ".bias"], self.image, dilation, dilation * (weight.shape[-1] // 2))

    @staticmethod
    def spline(positions, functions, degree=3):
        """Values of the B-splines of equidistant knots on `positions`, (positions, functions)."""
        last = positions - 1
        knots = np.r_[[0] * degree, np.linspace(0, last, functions - degree + 1), [last] * degree]
        x = np.arange(positions, dtype=np.float64)[:, None]
        b = ((x >= knots[:-1]) & (x < knots[1:])).astype(np.float64)
        b[-1, functions - 1] = 1  # the last position belongs to the last interval
        for k in range(1, degree + 1):
            left, right = knots[k:-1] - knots[:-k - 1], knots[k + 1:] - knots[1:-k]
            rise = np.where(left > 0, (x - knots[:-k - 1]) / np.where(left > 0, left, 1), 0) * b[:, :-1]
            fall = np.where(right > 0, (knots[k + 1:] - x) / np.where(right > 0, right, 1), 0) * b[:, 1:]
            b = rise + fall
        return torch.tensor(b, dtype=torch.float32)

    def forward(self, x):
        found, pool = [], (1, 4) if self.image else 4
        for i, (a0, a1, b0, b1) in enumerate(self.stages):
            if i > 0:
                x = (F.max_pool2d if self.image else F.max_pool1d)(x, pool)
            a = a1(a0(x))
            b = torch.relu_(b1(torch.relu_(b0(a))))
            found.append(b)
            x = a + b
        total = b
        for dilated in self.dilated:
            total = total + torch.relu_(dilated(x))
            x = total
        found.append(total)
        flat = total.squeeze(2) if self.image else total
        found.append(torch.matmul(flat, self.basis).flatten(1).unsqueeze(-1))
        return found

    def operations(self, length):
        """2 x weights x rows, as forward_flops.hpp counts them."""
        rows = {"1": 4096, "2": 1024, "3": 256}
        of = lambda name: 256 if name.startswith("dconv") else rows[name.split("conv")[1][0]]
        return sum(2.0 * w.numel() * of(name) for name, w in self.tensors.items() if name.endswith(".weight"))


class SpliceAI(torch.nn.Module):
    taps, dilations = (11, 11, 21, 41), (1, 4, 10, 25)

    def __init__(self, folder, image, cropped):
        super().__init__()
        self.tensors, self.image, self.cropped = load_file(folder / "model.safetensors"), image, cropped
        self.opening, self.skips = self.convolution(1, 1), torch.nn.ModuleList([self.convolution(2, 1)])
        self.blocks, width = torch.nn.ModuleList(), self.tensors["conv1d_1/bias"].numel()
        for group, dilation in enumerate(self.dilations):
            for i in range(8):
                number = 8 * group + i + 1
                take = lambda name, number=number: self.tensors[f"batch_normalization_{number}/{name}"]
                self.blocks.append(norm(image, take, width))
                self.blocks.append(self.convolution(9 * group + i + 3, dilation))
            self.skips.append(self.convolution(9 * group + 11, 1))
        self.last = self.convolution(39, 1)
        self.reach = [int(d * (t - 1) // 2) for d, t in zip(self.dilations, self.taps)]
        self.flank = 8 * sum(self.reach)

    def convolution(self, number, dilation):
        weight = self.tensors[f"conv1d_{number}/kernel"].permute(2, 1, 0)
        padding = 0 if self.cropped else dilation * (weight.shape[-1] // 2)
        return Convolution(weight, self.tensors[f"conv1d_{number}/bias"], self.image, dilation, padding)

    @staticmethod
    def crop(x, rows):
        return x[..., rows:x.shape[-1] - rows] if rows > 0 else x

    def forward(self, x):
        found, left = [], self.flank
        x = self.opening(x)
        kept = lambda x: self.crop(x, left) if self.cropped else x
        skip = self.skips[0](kept(x))
        for group in range(4):
            for block in range(4):
                n0, c0, n1, c1 = self.blocks[16 * group + 4 * block:16 * group + 4 * block + 4]
                y = c1(torch.relu_(n1(c0(torch.relu_(n0(x))))))
                if self.cropped:
                    x, left = self.crop(x, 2 * self.reach[group]), left - 2 * self.reach[group]
                x = x + y
            skip = skip + self.skips[group + 1](kept(x))
            found.append(self.crop(x, left))
        skip = skip if self.cropped else self.crop(skip, left)
        found.append(skip)
        found.append(torch.softmax(self.last(skip), 1))
        return found

    def operations(self, length):
        """2 x weights x rows that a prediction needs."""
        width, kept = self.tensors["conv1d_1/bias"].numel(), length - 2 * self.flank
        flank, products = self.flank, (5 * width + 3) * width * kept + 4 * width * length
        for taps, reach in zip(self.taps, self.reach):
            for _ in range(8):
                flank -= reach
                products += taps * width * width * (kept + 2 * flank)
        return 2.0 * products


def networks(a, sample):
    """(name, function from float rows (batch, length, 4) to the states, operations of a length)."""
    kind = a.config["model_type"]
    makers = {"sei": [("", lambda image: Sei(a.model, image))],
              "spliceai": [(", cropped", lambda image: SpliceAI(a.model, image, True)),
                           (", as published", lambda image: SpliceAI(a.model, image, False))]}[kind]
    for suffix, make in makers:
        for layout in ("first", "last", "frozen"):
            if suffix == ", as published" and layout == "last":
                continue
            image = layout != "first"
            network = make(image).eval()
            if layout == "last":
                network = network.to(memory_format=torch.channels_last)
            run = network
            if layout == "frozen":
                run = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, prepare(sample, True))))
            yield layout + suffix, (lambda x, run=run, image=image: run(prepare(x, image))), network.operations


def prepare(x, image):
    """(batch, length, 4) as a convolution wants it; an image's channels lie beside each other."""
    x = x.transpose(1, 2)
    return x.unsqueeze(2) if image else x.contiguous()
