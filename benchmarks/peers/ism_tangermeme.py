"""In-silico mutagenesis of the convolutional network of bench_substitutions by tangermeme: ism_tangermeme.py ours.json network.safetensors 3

The network is written by bench_substitutions, so both have the same numbers; `sample` has the effects of the same edits. Three ways to
run it on one thread, each in batches of several sizes, are tried on a part of the edits: convolutions along one axis (`first`), images with
channels beside each other (`last`), and the latter frozen for oneDNN (`frozen`). All edits of the sequence run by the fastest, the given
number of times; times are per edit.
"""

import json
import pathlib
import sys
import time

import common

POOLS, BATCHES, TRIED = (3, 4, 4), (1, 4, 16, 32, 64, 128), 64


def network(tensors, layout):
    """A module from (batch, 4, L) to the prediction."""
    import torch
    from supervised import Convolution

    image = layout != "first"

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            names = [f"convolution{i}" for i in range(len(POOLS))]
            take = lambda name: (tensors[name + ".weight"], tensors[name + ".bias"])
            self.convolutions = torch.nn.ModuleList(
                Convolution(*take(name), image, padding=tensors[name + ".weight"].shape[-1] // 2) for name in names)
            self.dense = torch.nn.ModuleList()
            for i in range(3):
                weight, bias = take(f"dense{i}")
                product = torch.nn.Linear(weight.shape[1], weight.shape[0])
                product.weight, product.bias = (torch.nn.Parameter(t, requires_grad=False) for t in (weight, bias))
                self.dense.append(product)

        def forward(self, x):
            if image:
                x = x.unsqueeze(2).contiguous(memory_format=torch.channels_last)
            for convolution, pool in zip(self.convolutions, POOLS):
                x = torch.relu_(convolution(x))
                x = torch.nn.functional.max_pool2d(x, (1, pool)) if image else torch.nn.functional.max_pool1d(x, pool)
            x = (x.squeeze(2) if image else x).transpose(1, 2).flatten(1)  # row after row
            for product in self.dense[:-1]:
                x = torch.relu_(product(x))
            return self.dense[-1](x)

    class Frozen(torch.nn.Module):
        """A frozen graph has no parameters; tangermeme asks one for the type of numbers."""

        def __init__(self, plain, sample):
            super().__init__()
            self.number = torch.nn.Parameter(torch.zeros(()))
            self.run = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(plain, sample)))

        def forward(self, x):
            return self.run(x)

    made = Network().eval()
    if layout == "last":
        made = made.to(memory_format=torch.channels_last)
    return Frozen(made, torch.zeros(16, 4, tensors["sequence"].numel())).eval() if layout == "frozen" else made


def main():
    import torch
    from safetensors.torch import load_file
    from tangermeme.saturation_mutagenesis import saturation_mutagenesis

    torch.set_num_threads(1)
    ours = next(row for row in json.loads(pathlib.Path(sys.argv[1]).read_text())["rows"] if "sample_edits" in row)
    tensors = load_file(sys.argv[2])
    codes = torch.tensor(["ACGT".index(chr(letter)) for letter in tensors["sequence"].tolist()])
    x = torch.nn.functional.one_hot(codes, 4).T[None].to(torch.int8)

    def run(net, batch, end):
        return saturation_mutagenesis(net, x, end=end, batch_size=batch, raw_outputs=True, device="cpu")

    best = None
    for layout in ("first", "last", "frozen"):
        net = network(tensors, layout)
        for batch in BATCHES:
            run(net, batch, batch)  # warms up
            start = time.process_time()
            run(net, batch, TRIED)
            seconds = time.process_time() - start
            print(layout, batch, seconds / (3 * TRIED + 1), file=sys.stderr)
            if best is None or seconds < best[0]:
                best = seconds, layout, batch, net
    _, layout, batch, net = best
    edits, found = 3 * x.shape[-1], []
    wall, cpu = common.measure(lambda: found.append(run(net, batch, -1)), 1, int(sys.argv[3]))
    values = found[0].y_hat[0, :, :, 0] - found[0].y0[0, 0]
    sample = [values[letter, position].item() for position, letter in ours["sample_edits"]]
    who = f"tangermeme {common.version('tangermeme')}, {layout}, batches of {batch}"
    rows = [common.row(ours["case"], who, 1, ours["work"], ([t / edits for t in wall], [t / edits for t in cpu]), edits=edits,
                       batch=batch, sample=sample)]
    common.finish("ism_tangermeme.py", None, rows, ["tangermeme", "torch"])


common.run("ism_tangermeme.py", main)
