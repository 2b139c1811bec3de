#!/usr/bin/env python3
"""Masked base cross-entropy of a trained GPN model on held-out sequence, beside Markov and frequency baselines.

Every method predicts the same bases: every 8th of a sequence, in --phases of the 8 possible passes, never one of the
first or last 8. The unit is nats per base.

  model      masked language model, softmax over the whole vocabulary, every 8th base masked at once
  markov     two-sided Markov conditional of order k: P(b | k bases left, k bases right), proportional to the product
             of the k + 1 order-k transition probabilities that touch b, normalised over the 4 bases
  context    relative frequencies of the 4 bases between the same k bases on either side
  frequency  relative frequency of the bases, on both strands

The Markov conditional sees all other bases, the masked ones too. Baselines are fitted on the training part of the same
corpus ("corpus") and on its part of the same species ("in-domain"), on both strands; k (at most 8; 5 for context) and
the pseudocount are chosen on the validation part.

    evaluate_gpn.py --corpus corpus.npz --model MODEL_DIR --data DIR --out evaluation.json
"""
import argparse
import json
import math
import os

import numpy as np
import torch
from safetensors.torch import load_file

import dnautil as du
import evaluate_lm as lm
import gpn
import prepare_wtc11

STRIDE = 8
EDGE = 8
ORDERS = [3, 4, 5, 6, 7, 8]
SIDES = [2, 3, 4, 5]
PSEUDOCOUNTS = [3, 10, 30, 100, 300, 1000, 3000, 10000]


def places_of(length, phases):
    """Masked places of a sequence by pass."""
    found = [np.arange(phase, length, STRIDE) for phase in phases]
    return [p[(p >= EDGE) & (p < length - EDGE)] for p in found]


def kmer_counts(codes, piece, k):
    """Counts of all k-mers on both strands; `piece` tells to which sequence a code belongs."""
    size = len(codes) - k + 1
    value = np.zeros(size, np.int64)
    for i in range(k):
        value = value * 4 + codes[i:size + i]
    counts = np.bincount(value[piece[k - 1:] == piece[:size]], minlength=4 ** k)
    kmer, turned = np.arange(4 ** k), np.zeros(4 ** k, np.int64)
    for i in range(k):
        turned = turned * 4 + ((kmer >> (2 * i)) & 3 ^ 1)
    return counts + counts[turned]


# ---- baselines -----------------------------------------------------------------------------------------------

class Positions:
    """The true base, and windows around it, of every evaluated position, in the order of model_loss()."""

    def __init__(self, sequences, phases):
        windows, self.owner = [], []
        for s, codes in enumerate(sequences):
            at = np.concatenate(places_of(len(codes), phases))
            windows.append(codes[at[:, None] + np.arange(-EDGE, EDGE + 1)])
            self.owner.append(np.full(len(at), s))
        self.window = np.concatenate(windows).astype(np.int64)
        self.owner = np.concatenate(self.owner)
        self.truth = self.window[:, EDGE]

    def with_base(self, base):
        window = self.window.copy()
        window[:, EDGE] = base
        return window


def normalised_loss(scores, truth):
    """scores (positions, 4), logarithms up to a constant."""
    scores = scores - scores.max(1, keepdims=True)
    return np.log(np.exp(scores).sum(1)) - scores[np.arange(len(truth)), truth]


def markov_loss(counts, k, pseudocount, positions):
    c = counts.reshape(-1, 4) + pseudocount / 4
    log_p = np.log(c / c.sum(1, keepdims=True)).reshape(-1)
    scores = np.zeros((len(positions.truth), 4))
    for base in range(4):
        window = positions.with_base(base)
        for first in range(EDGE - k, EDGE + 1):
            scores[:, base] += log_p[window[:, first:first + k + 1] @ 4 ** np.arange(k, -1, -1)]
    return normalised_loss(scores, positions.truth)


def context_loss(counts, k, pseudocount, positions):
    """Pseudocounts in the proportions of the frequencies of the bases."""
    total = counts.reshape(4 ** k, 4, 4 ** k)
    share = total.sum((0, 2)) / total.sum()
    power = 4 ** np.arange(2 * k, -1, -1)
    scores = np.stack([counts[positions.with_base(b)[:, EDGE - k:EDGE + k + 1] @ power] + pseudocount * share[b]
                       for b in range(4)], axis=1)
    return normalised_loss(np.log(scores), positions.truth)


def frequency_loss(counts, positions):
    return -np.log(counts / counts.sum())[positions.truth]


def all_counts(sequences):
    """By length of the k-mers: those that the baselines need."""
    codes = np.concatenate(sequences)
    piece = np.repeat(np.arange(len(sequences), dtype=np.int32), [len(s) for s in sequences])
    return {k: kmer_counts(codes, piece, k) for k in {1, *(k + 1 for k in ORDERS), *(2 * k + 1 for k in SIDES)}}


class Baselines:
    """The counts of one corpus, and what was chosen on `valid`."""

    def __init__(self, counts, valid):
        self.frequency = counts[1]

        def best(loss, orders, length):
            tried = [(loss(counts[length(k)], k, p, valid).mean(), k, p) for k in orders for p in PSEUDOCOUNTS]
            _, k, p = min(tried)
            return k, p, counts[length(k)]

        self.markov = best(markov_loss, ORDERS, lambda k: k + 1)
        self.context = best(context_loss, SIDES, lambda k: 2 * k + 1)

    def losses(self, positions):
        k, p, counts = self.markov
        j, q, around = self.context
        return {"markov": markov_loss(counts, k, p, positions), "context": context_loss(around, j, q, positions),
                "frequency": frequency_loss(self.frequency, positions)}

    def chosen(self):
        return {"markov_order": self.markov[0], "markov_pseudocount": self.markov[1],
                "context_side": self.context[0], "context_pseudocount": self.context[1]}


# ---- model ---------------------------------------------------------------------------------------------------

def load_model(folder):
    with open(os.path.join(folder, "config.json")) as handle:
        cfg = json.load(handle)
    return cfg, load_file(os.path.join(folder, "model.safetensors"))


@torch.no_grad()
def model_loss(cfg, p, sequences, phases):
    """Nats per position, in the order of Positions."""
    places = [places_of(len(codes), phases) for codes in sequences]
    start = np.concatenate([[0], np.cumsum([sum(map(len, pl)) for pl in places])])
    out = np.full(start[-1], np.nan)
    by_length = {}
    for i, codes in enumerate(sequences):
        by_length.setdefault(len(codes), []).append(i)
    for length, members in sorted(by_length.items()):
        per_batch = max(1, 4000 // length)
        for a in range(0, len(members), per_batch):
            rows = members[a:a + per_batch]
            ids = gpn.ID_OF_CODE[torch.from_numpy(np.stack([sequences[i] for i in rows]).astype(np.int64))]
            done = 0
            for at in places[rows[0]]:
                if not len(at):
                    continue
                shown = ids.clone()
                shown[:, at] = gpn.MASK_ID
                logp = torch.log_softmax(gpn.head(p, gpn.encode(p, cfg, shown)[:, at]).double(), dim=-1)
                loss = -logp.gather(2, ids[:, at, None]).squeeze(2).numpy()
                for j, i in enumerate(rows):
                    out[start[i] + done:start[i] + done + len(at)] = loss[j]
                done += len(at)
    assert not np.isnan(out).any()
    return out


# ---- summary -------------------------------------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, help="for the groups of the WTC11 elements")
    parser.add_argument("--out", required=True)
    parser.add_argument("--phases", default="4", help="which of the 8 passes")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    phases = [int(p) for p in args.phases.split(",")]
    z = dict(np.load(args.corpus).items())
    cfg, p = load_model(args.model)

    counts = {s: all_counts(lm.select(z, 0, i)[0]) for i, s in enumerate(lm.SPECIES)}
    counts["corpus"] = {k: counts["yeast"][k] + counts["human"][k] for k in counts["yeast"]}
    held = {s: lm.select(z, 1, i)[0] for i, s in enumerate(lm.SPECIES)}
    held["corpus"] = held["yeast"] + held["human"]
    fitted = {}
    for name in counts:
        fitted[name] = Baselines(counts[name], Positions(held[name], phases))
        print(name, fitted[name].chosen(), flush=True)

    groups = [r["group"] for r in prepare_wtc11.build(args.data)
              if r["split"] == "test" and "_fwd" in r["name"] and "_copy" not in r["name"]]
    sets = {
        "yeast valid": ("yeast", held["yeast"], None),
        "human valid": ("human", held["human"], None),
        "yeast test": ("yeast", lm.select(z, 2, 0)[0], None),
        "human test": ("human", lm.select(z, 2, 1)[0], None),
        "WTC11 test": ("human", lm.select(z, 3, 1)[0], groups),
    }
    assert len(groups) == len(sets["WTC11 test"][1])
    rng = np.random.default_rng(1)
    losses, owners, result = {}, {}, {}
    for name, (species, sequences, group) in sets.items():
        positions = Positions(sequences, phases)
        losses[name] = {"model": model_loss(cfg, p, sequences, phases)}
        for which, label in (("corpus", "corpus"), (species, "in-domain")):
            for method, values in fitted[which].losses(positions).items():
                losses[name][f"{method} {label}"] = values
        owners[name] = positions.owner if group is None else np.array([int(g[1:]) for g in group])[positions.owner]
        print(name, {k: round(float(v.mean()), 4) for k, v in losses[name].items()}, flush=True)
    for part in ("valid", "test"):
        pair = [f"yeast {part}", f"human {part}"]
        name = f"yeast and human {part}"
        losses[name] = {k: np.concatenate([losses[q][k] for q in pair]) for k in losses[pair[0]]}
        owners[name] = np.concatenate([owners[pair[0]], owners[pair[1]] + owners[pair[0]].max() + 1])
    for name, found in losses.items():
        entry = dict(sequences_or_groups=int(len(np.unique(owners[name]))), positions=len(found["model"]),
                     uniform=math.log(4), nats={}, model_minus={})
        for k, v in found.items():
            entry["nats"][k] = dict(mean=float(v.mean()), interval95=lm.interval(v, owners[name], rng))
            if k != "model":
                d = found["model"] - v
                entry["model_minus"][k] = dict(mean=float(d.mean()), interval95=lm.interval(d, owners[name], rng))
        result[name] = entry
    _, source = lm.select(z, 2, 1)
    owner = Positions(sets["human test"][1], phases).owner
    by_source = {}
    for s in sorted(set(source)):
        at = (source == s)[owner]
        by_source[str(s)] = dict(positions=int(at.sum()),
                                 **{k: float(v[at].mean()) for k, v in losses["human test"].items()})
    chosen = {name: b.chosen() for name, b in fitted.items()}
    with open(args.out, "w") as handle:
        json.dump(dict(sets=result, human_test_by_source=by_source, chosen=chosen, stride=STRIDE, phases=phases,
                       resamples=lm.RESAMPLES), handle, indent=1)
        handle.write("\n")


if __name__ == "__main__":
    main()
