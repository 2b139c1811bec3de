"""Trains the small network of benchmarks/truth/trained on sequences with planted motifs.

    OMP_NUM_THREADS=1 python train_planted_motifs.py --motifs motifs.meme --out trained

Made with Python 3.11.7, torch 2.8.0, numpy 2.4.6, safetensors 0.8.0 on the CPU, one thread, seed 1: a few minutes. The
same versions on the same kind of machine write the same bytes.

Sequences: independent uniform letters, and in them instances of motifs, drawn column by column from their probabilities
until they score 1.5 bits above the threshold that 1 word in 10,000 reaches; sequences with any other site are drawn
again. Label 1: `first` and `second` are both there (half of all). Label 0, in equal parts: only `first`, only `second`,
neither. Half of all have a `decoy` too, whatever their label. The same rules stand in planted_sequences.hpp.

Written: config.json and model.safetensors (Keras' names and description, as dnalm-convert writes them), training.json.
"""

import argparse
import itertools
import json
import pathlib
import platform

import numpy as np
import safetensors
import torch
from safetensors.numpy import save_file

LENGTH = 200
MARGIN = 1.5
FILTERS, TAPS, POOL = 24, 11, 4
SECOND_FILTERS, SECOND_TAPS = 24, 7
HIDDEN = 24


def read_motifs(path):
    """Probabilities (motif, column, letter)."""
    motifs, rows = [], None
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:1] == ["letter-probability"]:
            rows = []
            motifs.append(rows)
        elif rows is not None and len(words) == 4:
            rows.append([float(word) for word in words])
        elif not words:
            rows = None
    values = np.array(motifs)
    return values / values.sum(2, keepdims=True)


def threshold_of(scores):
    """The score that 1 in 10,000 of all words reaches."""
    sums = np.zeros(1)
    for column in scores:
        sums = (sums[:, None] + column[None, :]).ravel()
    return np.partition(sums, len(sums) - len(sums) // 10000)[len(sums) - len(sums) // 10000]


class Planter:
    def __init__(self, motifs, seed):
        self.motifs = motifs
        self.scores = np.log2(4 * motifs)
        self.thresholds = [threshold_of(scores) for scores in self.scores]
        self.width = motifs.shape[1]
        self.random = np.random.default_rng(seed)

    def instance(self, motif):
        columns = np.arange(self.width)
        while True:
            draws = self.random.random(self.width)
            word = (draws[:, None] >= self.motifs[motif].cumsum(1)[:, :3]).sum(1)
            if self.scores[motif][columns, word].sum() >= self.thresholds[motif] + MARGIN:
                return word

    def draw(self, motifs):
        letters = self.random.integers(0, 4, LENGTH)
        starts = {}
        for motif in motifs:
            while True:
                start = int(self.random.integers(0, LENGTH - self.width + 1))
                if all(abs(start - other) > self.width for other in starts.values()):
                    break
            starts[motif] = start
            letters[start : start + self.width] = self.instance(motif)
        return letters, starts

    def has_other_site(self, letters, starts):
        windows = np.lib.stride_tricks.sliding_window_view(letters, self.width)
        for motif, scores in enumerate(self.scores):
            hits = np.flatnonzero(scores[np.arange(self.width), windows].sum(1) >= self.thresholds[motif])
            if any(starts.get(motif) != hit for hit in hits):
                return True
        return False

    def make(self, motifs):
        while True:
            letters, starts = self.draw(motifs)
            if not self.has_other_site(letters, starts):
                return letters

    def table(self, count):
        """Letters (count, length) and labels, classes by turns."""
        kinds = itertools.cycle([(0, 1), (0,), (0, 1), (1,), (0, 1), ()])
        letters, labels = [], []
        for number, kind in zip(range(count), kinds):
            decoy = (2,) if number // 6 % 2 else ()
            letters.append(self.make(kind + decoy))
            labels.append(float(kind == (0, 1)))
        return torch.from_numpy(np.array(letters)), torch.tensor(labels)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.detect = torch.nn.Conv1d(4, FILTERS, TAPS, padding=TAPS // 2)
        self.combine = torch.nn.Conv1d(FILTERS, SECOND_FILTERS, SECOND_TAPS, padding=SECOND_TAPS // 2)
        self.hidden = torch.nn.Linear(SECOND_FILTERS, HIDDEN)
        self.logit = torch.nn.Linear(HIDDEN, 1)

    def forward(self, letters):
        x = torch.nn.functional.one_hot(letters, 4).float().transpose(1, 2)
        x = torch.nn.functional.max_pool1d(torch.relu(self.detect(x)), POOL)
        x = torch.relu(self.combine(x)).amax(2)
        return self.logit(torch.relu(self.hidden(x)))[:, 0]


def auroc(labels, scores):
    ranks = scores.argsort().argsort().double() + 1
    positive = int(labels.sum())
    wins = ranks[labels == 1].sum() - positive * (positive + 1) / 2
    return float(wins / (positive * (len(labels) - positive)))


def evaluate(network, letters, labels):
    with torch.no_grad():
        logits = torch.cat([network(part) for part in letters.split(500)])
    return {"accuracy": float(((logits > 0) == (labels == 1)).float().mean()), "auroc": auroc(labels, logits)}


def train(network, letters, labels, epochs, batch):
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    steps = epochs * (len(labels) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(labels))[: len(labels) // batch * batch].split(batch):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(network(letters[rows]), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * batch / len(labels)
        print(f"epoch {epoch + 1}: loss {total:.4f}", flush=True)


def layer(kind, name, settings, inputs):
    return {
        "class_name": kind,
        "name": name,
        "config": {"name": name, **settings},
        "inbound_nodes": [[[source, 0, 0, {}] for source in inputs]] if inputs else [],
    }


def description():
    layers = [
        layer("InputLayer", "sequence", {"batch_input_shape": [None, None, 4]}, []),
        layer("Conv1D", "detect", {"padding": "same", "activation": "relu"}, ["sequence"]),
        layer("MaxPooling1D", "pool", {"pool_size": POOL}, ["detect"]),
        layer("Conv1D", "combine", {"padding": "same", "activation": "relu"}, ["pool"]),
        layer("GlobalMaxPooling1D", "strongest", {}, ["combine"]),
        layer("Dense", "hidden", {"activation": "relu"}, ["strongest"]),
        layer("Dense", "logit", {}, ["hidden"]),
    ]
    ends = {"input_layers": [["sequence", 0, 0]], "output_layers": [["logit", 0, 0]]}
    return {"class_name": "Functional", "config": {"name": "planted_motifs", "layers": layers, **ends}}


def write(network, out):
    tensors = {}
    for name, value in network.state_dict().items():
        module, variable = name.split(".")
        kernel = value.numpy().transpose(*range(value.dim())[::-1])
        tensors[f"{module}/{module}/{'kernel' if variable == 'weight' else 'bias'}:0"] = np.ascontiguousarray(kernel)
    save_file(tensors, out / "model.safetensors", {"model_config": json.dumps(description())})
    config = {"model_type": "keras", "architecture": "planted motifs"}
    (out / "config.json").write_text(json.dumps(config) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--motifs", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--sequences", type=int, default=24000)
    parser.add_argument("--held-out", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    motifs = read_motifs(arguments.motifs)
    letters, labels = Planter(motifs, 1).table(arguments.sequences)
    held_letters, held_labels = Planter(motifs, 2).table(arguments.held_out)
    print("sequences drawn", flush=True)
    network = Network()
    train(network, letters, labels, arguments.epochs, 128)
    arguments.out.mkdir(exist_ok=True)
    write(network, arguments.out)
    record = {
        "parameters": sum(value.numel() for value in network.parameters()),
        "sequences": arguments.sequences,
        "epochs": arguments.epochs,
        "training": evaluate(network, letters, labels),
        "held_out": {"sequences": arguments.held_out, **evaluate(network, held_letters, held_labels)},
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "safetensors": safetensors.__version__,
        },
    }
    (arguments.out / "training.json").write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
