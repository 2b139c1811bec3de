#!/usr/bin/env python3
"""Checks an exported GPN folder: a second forward pass in float64 numpy that shares no code with gpn.py, and logits of
a few masked positions, in PyTorch, for the library's tests.

    verify_gpn.py --model MODEL_DIR [--out masked.json]
"""
import argparse
import hashlib
import json
import os

import numpy as np

import verify_export as other

# 200 bases, and positions from 0; each is masked alone.
SEQUENCE = ("ATTCCGATTCCGATTCCGACGTGTACGTGCACGGACGACTAGTCAGCATTTAAACCCGGGATATCGCGATAACCGGTTAAGGCCTTACGATTACAGATTACACC"
            "AGGGGGCGCTAGTGGCATGCCAATTGGCGCAATATAAAAGGCTCACGTGATTGACTCATTTCCGGAAGTGACGTCACGCTTGCATCAGGCTAACGT")
MASKED = [0, 7, 100, 110, 133, 139, 198]


def logits(t, cfg, ids):
    """(L, V) in float64; a convolution is a sum of shifted products."""
    length, x = len(ids), np.eye(cfg["hidden_size"])[ids]
    gelu = lambda y: y * 0.5 * (1 + other._erf(y / np.sqrt(2)))
    block = lambda y, pre: other.layer_norm(gelu(y), t[pre + ".weight"], t[pre + ".bias"], 1e-5)
    product = lambda x, pre: x @ t[pre + ".weight"].T + t[pre + ".bias"]
    for l in range(cfg["n_layers"]):
        pre, step = f"model.encoder.{l}.", min(32, 2 ** (l % 6))
        w = t[pre + "conv.1.weight"]
        y = np.tile(t[pre + "conv.1.bias"], (length, 1))
        for k in range(w.shape[2]):
            move = (k - w.shape[2] // 2) * step
            first, last = max(0, -move), min(length, length - move)
            if first < last:
                y[first:last] += x[first + move:last + move] @ w[:, :, k].T
        x = x + block(y, pre + "conv.4")
        x = x + block(product(x, pre + "ffn.0"), pre + "ffn.2")
    return product(block(product(x, "cls.decoder.0"), "cls.decoder.2"), "cls.decoder.3")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", help="JSON of the logits by PyTorch")
    args = parser.parse_args()
    import torch
    import evaluate_gpn
    import gpn

    cfg, p = evaluate_gpn.load_model(args.model)
    path = os.path.join(args.model, "model.safetensors")
    tensors, size = other.read_safetensors(path)
    tokenizer = json.load(open(os.path.join(args.model, "tokenizer.json")))
    vocabulary = tokenizer["model"]["vocab"]
    ids = np.array([vocabulary[letter] for letter in SEQUENCE.lower()])
    found, gap, largest = [], 0.0, 0.0
    for place in MASKED:
        shown = ids.copy()
        shown[place] = vocabulary["[MASK]"]
        mine = logits(tensors, cfg, shown)
        with torch.no_grad():
            theirs = gpn.head(p, gpn.encode(p, cfg, torch.from_numpy(shown)[None]))[0].numpy()
        gap, largest = max(gap, np.abs(mine - theirs).max()), max(largest, np.abs(mine[:, 3:]).max())
        found.append(dict(position=place, logits={b: float(theirs[place, vocabulary[b]]) for b in "acgt"}))
    parameters = sum(v.size for v in tensors.values())
    print("file bytes", size, "tensors", len(tensors), "parameters", parameters)
    print("sha256 model.safetensors", hashlib.sha256(open(path, "rb").read()).hexdigest())
    print("positions", len(MASKED), "largest |logit| of a base", largest, "largest difference", gap)
    if args.out:
        with open(args.out, "w") as handle:
            json.dump(dict(sequence=SEQUENCE, torch=torch.__version__, masked=found), handle, indent=1)
            handle.write("\n")
    assert size <= 5_000_000 and vocabulary == {t: i for i, t in enumerate(gpn.TOKENS)}
    assert gap < 1e-4
    print("ok")


if __name__ == "__main__":
    main()
