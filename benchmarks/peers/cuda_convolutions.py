"""Hidden states of HyenaDNA and GPN's ConvNet by plain PyTorch (torch.fft, conv1d) on a GPU: the shapes and batches of
bench_cuda_convolutions, random weights, device time, eager and torch.compile. Filters are made before.

Where python has no torch or torch no GPU, the document says so.
"""

import argparse
import json
import statistics

import common

SHAPES = {  # width, blocks, sequences, length
    "hyena_1kb": (128, 2, 128, 1024),
    "hyena_32kb": (256, 4, 4, 32768),
    "hyena_1m": (256, 8, 1, 1000000),
    "gpn_512bp": (512, 25, 64, 512),
}


def build(torch, name):
    """A module from token numbers (B, L) to the last hidden state (B, L, D), and the weights of its products."""
    from torch import nn
    from torch.nn import functional as F

    width, blocks, _, length = SHAPES[name]

    class Operator(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.short = nn.Conv1d(3 * width, 3 * width, 3, padding=2, groups=3 * width)
            fall = torch.exp(-torch.arange(length) * 5e-4 * 8)
            self.register_buffer("spectrum", torch.fft.rfft(torch.randn(width, length) * fall, n=2 * length))
            self.skip = nn.Parameter(torch.randn(width, 1))

        def forward(self, x):
            u = self.short(self.first(x).transpose(1, 2))[..., :length]
            x0, x1, v = u.chunk(3, 1)
            v = v * x1
            y = torch.fft.irfft(torch.fft.rfft(v, n=2 * length) * self.spectrum, n=2 * length)[..., :length]
            return self.out(((y + v * self.skip) * x0).transpose(1, 2))

    class HyenaBlock(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2, self.operator = nn.LayerNorm(width), nn.LayerNorm(width), Operator()
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x):
            x = x + self.operator(self.norm1(x))
            return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))

    class ConvBlock(nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.convolution = nn.Conv1d(width, width, 9, padding="same", dilation=min(32, 2 ** (layer % 6)))
            self.linear = nn.Linear(width, width)
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

        def forward(self, x):
            x = x + self.norm1(F.gelu(self.convolution(x.transpose(1, 2)).transpose(1, 2)))
            return x + self.norm2(F.gelu(self.linear(x)))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(16, width)
            hyena = name.startswith("hyena")
            self.blocks = nn.Sequential(*(HyenaBlock() if hyena else ConvBlock(i) for i in range(blocks)))

        def forward(self, ids):
            return self.blocks(self.words(ids))

    return Network(), blocks * (12 if name.startswith("hyena") else 10) * width * width


def times_of(torch, network, ids, repeats):
    """Device seconds of one pass each, after three to warm up."""
    found = []
    with torch.inference_mode():
        for r in range(-3, repeats):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            network(ids)
            end.record()
            torch.cuda.synchronize()
            if r >= 0:
                found.append(1e-3 * begin.elapsed_time(end))
    return found


def rows_of(torch, name, repeats):
    _, _, sequences, length = SHAPES[name]
    network, weights = build(torch, name)
    network = network.eval().cuda()
    ids = torch.randint(0, 6, (sequences, length), device="cuda")
    who = f"torch {torch.__version__.split('+')[0]}, {torch.cuda.get_device_name(0)}"
    rows, failed = [], None
    for mode in ("eager", "compile"):
        try:
            seconds = times_of(torch, network if mode == "eager" else torch.compile(network), ids, repeats)
        except Exception as problem:  # whatever the compiler or the memory says: the other rows stand
            failed = f"{name} {mode}: {type(problem).__name__}: {str(problem).strip().splitlines()[0][:200]}"
            continue
        rows.append(common.row(f"cuda_convolutions/{name}/f32", f"{who}, {mode}", 1, 2 * weights * sequences * length,
                               (seconds, [0.0] * len(seconds)), clock="device", tokens=sequences * length))
        rows[-1]["tokens_per_second"] = sequences * length / statistics.median(seconds)
    return rows, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", default=",".join(SHAPES))
    parser.add_argument("--repeats", type=int, default=9)
    a = parser.parse_args()
    a.case = a.cases
    import torch

    if not torch.cuda.is_available():
        print(json.dumps({"program": "cuda_convolutions.py", "case": a.case, "missing": "torch finds no GPU"}))
        return
    torch.set_grad_enabled(False)
    torch.backends.cudnn.benchmark = True
    rows, failed = [], []
    for name in a.cases.split(","):
        found, problem = rows_of(torch, name, a.repeats)
        rows += found
        failed += [problem] if problem else []
        torch.cuda.empty_cache()
    common.finish("cuda_convolutions.py", a, rows, ["torch"], "; ".join(failed))


common.run("cuda_convolutions.py", main)
