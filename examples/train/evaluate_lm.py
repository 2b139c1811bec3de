#!/usr/bin/env python3
"""Masked 6-mer cross-entropy of a trained model on held-out sequence, beside Markov and frequency baselines.

Every method predicts the same masked 6-mers: single tokens, every 8th of a sequence in 8 passes, never the first
or the last 6-mer, so that a whole 6-mer stands on either side.  The unit is nats per token (6 bases).

  model      masked language model, softmax over the whole vocabulary
  markov     two-sided order-5 Markov conditional: P(m | 5 bases left, 5 bases right), proportional to the product
             of the 11 order-5 transition probabilities that touch m, normalised over the 4096 6-mers
  frequency  relative frequency of the 6-mers over all frames and both strands

The baselines are fitted on the training part of the same corpus ("corpus") and on its part of the same species
("in-domain"), on both strands; their pseudocounts are chosen on the validation part.

    evaluate_lm.py --corpus corpus.npz --model MODEL_DIR --data DIR --out evaluation.json
"""
import argparse
import json
import math
import os

import numpy as np
import torch
from safetensors.torch import load_file

import dnautil as du
import nt_v2
import prepare_wtc11

STRIDE = 8
PSEUDOCOUNTS = [0.1, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000]
RESAMPLES = 2000
SPECIES = ["yeast", "human"]


# ---- positions and counts ------------------------------------------------------------------------------------

def select(z, part, species):
    """The sequences of one part as a list of code arrays."""
    chosen = np.flatnonzero((z["part"] == part) & (z["species"] == species))
    off = z["offsets"]
    return [z["codes"][off[i]:off[i + 1]] for i in chosen], z["source"][chosen]


def contexts(sequences):
    """For every evaluated position: left 5 bases, the 6-mer, right 5 bases as numbers, and the sequence index."""
    w5 = 4 ** np.arange(4, -1, -1)
    left, middle, right, owner = [], [], [], []
    for s, codes in enumerate(sequences):
        codes = codes.astype(np.int64)
        n = len(codes) // 6
        for i in range(1, n - 1):
            a = 6 * i
            left.append(codes[a - 5:a] @ w5)
            middle.append(codes[a:a + 6] @ du._POWERS)
            right.append(codes[a + 6:a + 11] @ w5)
            owner.append(s)
    return tuple(np.array(x) for x in (left, middle, right, owner))


def sixmer_counts(sequences):
    """Counts of all 6-mers in all frames on both strands."""
    counts = np.zeros(du.NUM_KMERS, np.int64)
    for codes in sequences:
        for strand in (codes, du.reverse_complement(codes)):
            strand = strand.astype(np.int64)
            value = np.zeros(len(strand) - 5, np.int64)
            for i in range(6):
                value = value * 4 + strand[i:len(strand) - 5 + i]
            counts += np.bincount(value, minlength=du.NUM_KMERS)
    return counts


# ---- baselines -----------------------------------------------------------------------------------------------

def transitions(counts, alpha):
    """log P(base | 5 bases before) as a flat table over the 6-mer."""
    c = counts.reshape(1024, 4) + alpha
    return np.log(c / c.sum(1, keepdims=True)).reshape(-1)


def markov_tables(log_p):
    """left[l, m]: the 6 transitions that end inside m; right[r, m]: the 5 transitions after it."""
    l5, k6 = np.arange(1024), np.arange(4096)
    left = np.zeros((1024, 4096))
    for i in range(6):                      # window of 6 bases that ends at base i of m
        part_l = (l5 % 4 ** (5 - i))[:, None] * 4 ** (i + 1)
        part_m = (k6 // 4 ** (5 - i))[None]
        left += log_p[part_l + part_m]
    right = np.zeros((1024, 4096))
    for i in range(5):                      # window that ends at base i of the right side
        part_m = (k6 % 4 ** (5 - i))[None] * 4 ** (i + 1)
        part_r = (l5 // 4 ** (4 - i))[:, None]
        right += log_p[part_m + part_r]
    return left.astype(np.float32), right.astype(np.float32)


def markov_loss(log_p, context):
    """Nats per position."""
    left, right = markov_tables(log_p)
    l, m, r, _ = context
    out = np.empty(len(m))
    for a in range(0, len(m), 2000):
        s = left[l[a:a + 2000]] + right[r[a:a + 2000]]
        s -= s.max(1, keepdims=True)
        out[a:a + 2000] = np.log(np.exp(s).sum(1, dtype=np.float64)) - s[np.arange(len(s)), m[a:a + 2000]]
    return out


def frequency_loss(counts, alpha, context):
    p = counts + alpha
    return -np.log(p / p.sum())[context[1]]


# ---- model ---------------------------------------------------------------------------------------------------

def load_model(folder):
    with open(os.path.join(folder, "config.json")) as handle:
        cfg = json.load(handle)
    return cfg, load_file(os.path.join(folder, "model.safetensors"))


@torch.no_grad()
def model_loss(cfg, p, sequences):
    """Nats per position, in the order of contexts()."""
    embedding, decoder = p["esm.embeddings.word_embeddings.weight"], p["lm_head.decoder.weight"]
    start = np.concatenate([[0], np.cumsum([max(0, len(c) // 6 - 2) for c in sequences])])
    out = np.full(start[-1], np.nan)
    by_length = {}
    for i, codes in enumerate(sequences):
        by_length.setdefault(len(codes) // 6, []).append(i)
    for length, members in sorted(by_length.items()):
        if length < 3:
            continue
        per_batch = max(1, 3000 // (length + 1))
        for a in range(0, len(members), per_batch):
            rows = members[a:a + per_batch]
            ids = torch.from_numpy(np.stack([du.sixmer_ids(sequences[i]) for i in rows]))
            ids = torch.cat([torch.full((len(rows), 1), du.CLS_ID), ids], dim=1)
            groups = [(len(rows), length + 1)]
            tables = nt_v2.rotary_tables(groups, cfg["hidden_size"] // cfg["num_attention_heads"])
            for phase in range(STRIDE):
                # 6-mer number i (from 0) stands at token i + 1; the first and the last are never masked
                places = torch.arange(1 + phase, length - 1, STRIDE)
                if not len(places):
                    continue
                shown = ids.clone()
                shown[:, places + 1] = du.MASK_ID
                x = nt_v2.encode(p, cfg, embedding, shown.view(-1), groups, tables)
                x = x.view(len(rows), length + 1, -1)[:, places + 1]
                logp = torch.log_softmax(nt_v2.head(p, cfg, decoder, x).double(), dim=-1)
                loss = -logp.gather(2, ids[:, places + 1, None]).squeeze(2).numpy()
                for j, i in enumerate(rows):
                    out[start[i] + places.numpy() - 1] = loss[j]
    assert not np.isnan(out).any()
    return out


# ---- summary -------------------------------------------------------------------------------------------------

def interval(values, owner, rng):
    """95 % interval of the mean over positions when whole owners (sequences or groups) are resampled."""
    _, index = np.unique(owner, return_inverse=True)
    total = np.bincount(index, weights=values)
    number = np.bincount(index)
    draws = rng.integers(0, len(total), (RESAMPLES, len(total)))
    means = total[draws].sum(1) / number[draws].sum(1)
    return [float(x) for x in np.quantile(means, [0.025, 0.975])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, help="for the groups of the WTC11 elements")
    parser.add_argument("--out", required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    z = {k: v for k, v in np.load(args.corpus).items()}
    cfg, p = load_model(args.model)

    counts = {s: sixmer_counts(select(z, 0, i)[0]) for i, s in enumerate(SPECIES)}
    counts["corpus"] = counts["yeast"] + counts["human"]
    valid = {s: contexts(select(z, 1, i)[0]) for i, s in enumerate(SPECIES)}
    valid["corpus"] = tuple(np.concatenate(x) for x in zip(valid["yeast"], valid["human"]))
    alpha, alpha_frequency = {}, {}
    for name in counts:
        alpha[name] = min(PSEUDOCOUNTS, key=lambda a: markov_loss(transitions(counts[name], a), valid[name]).mean())
        alpha_frequency[name] = min(
            PSEUDOCOUNTS, key=lambda a: frequency_loss(counts[name], a, valid[name]).mean())
    print("pseudocounts", alpha, alpha_frequency, flush=True)

    # the clusters of the WTC11 elements, in the order of the corpus file
    groups = [r["group"] for r in prepare_wtc11.build(args.data)
              if r["split"] == "test" and "_fwd" in r["name"] and "_copy" not in r["name"]]
    sets = {
        "yeast valid": ("yeast", select(z, 1, 0)[0], None),
        "human valid": ("human", select(z, 1, 1)[0], None),
        "yeast test": ("yeast", select(z, 2, 0)[0], None),
        "human test": ("human", select(z, 2, 1)[0], None),
        "WTC11 test": ("human", select(z, 3, 1)[0], groups),
    }
    assert len(groups) == len(sets["WTC11 test"][1])
    rng = np.random.default_rng(1)
    losses, owners, result = {}, {}, {}
    for name, (species, sequences, group) in sets.items():
        c = contexts(sequences)
        losses[name] = {
            "model": model_loss(cfg, p, sequences),
            "markov corpus": markov_loss(transitions(counts["corpus"], alpha["corpus"]), c),
            "markov in-domain": markov_loss(transitions(counts[species], alpha[species]), c),
            "frequency corpus": frequency_loss(counts["corpus"], alpha_frequency["corpus"], c),
            "frequency in-domain": frequency_loss(counts[species], alpha_frequency[species], c),
        }
        owners[name] = c[3] if group is None else np.array([int(g[1:]) for g in group])[c[3]]
        print(name, {k: round(float(v.mean()), 4) for k, v in losses[name].items()}, flush=True)
    for part in ("valid", "test"):
        pair = [f"yeast {part}", f"human {part}"]
        name = f"yeast and human {part}"
        losses[name] = {k: np.concatenate([losses[q][k] for q in pair]) for k in losses[pair[0]]}
        owners[name] = np.concatenate([owners[pair[0]], owners[pair[1]] + owners[pair[0]].max() + 1])
    for name in losses:
        model = losses[name]["model"]
        entry = dict(sequences_or_groups=int(len(np.unique(owners[name]))), tokens=len(model),
                     uniform=math.log(du.NUM_KMERS), nats={}, model_minus={})
        for k, v in losses[name].items():
            entry["nats"][k] = dict(mean=float(v.mean()), interval95=interval(v, owners[name], rng))
            if k != "model":
                d = model - v
                entry["model_minus"][k] = dict(mean=float(d.mean()), interval95=interval(d, owners[name], rng))
        result[name] = entry
    # per source of the human test set
    _, source = select(z, 2, 1)
    c = contexts(sets["human test"][1])
    by_source = {}
    for s in sorted(set(source)):
        at = (source == s)[c[3]]
        by_source[str(s)] = dict(tokens=int(at.sum()),
                                 **{k: float(v[at].mean()) for k, v in losses["human test"].items()})
    with open(args.out, "w") as handle:
        json.dump(dict(sets=result, human_test_by_source=by_source, pseudocounts=alpha,
                       pseudocounts_frequency=alpha_frequency, stride=STRIDE, resamples=RESAMPLES), handle, indent=1)
        handle.write("\n")
    print("| set | tokens | model | Markov, corpus | Markov, in-domain | frequency, corpus | frequency, in-domain "
          "| model - Markov corpus (95 %) | model - Markov in-domain (95 %) |")
    print("|---|" + "---:|" * 8)
    for name, e in result.items():
        cells = [f"{e['nats'][k]['mean']:.4f}" for k in
                 ("model", "markov corpus", "markov in-domain", "frequency corpus", "frequency in-domain")]
        for k in ("markov corpus", "markov in-domain"):
            d = e["model_minus"][k]
            cells.append(f"{d['mean']:+.4f} ({d['interval95'][0]:+.4f} to {d['interval95'][1]:+.4f})")
        print(f"| {name} | {e['tokens']} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
