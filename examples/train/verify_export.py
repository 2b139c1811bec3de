#!/usr/bin/env python3
"""Checks an exported model folder: a second forward pass in float64 numpy that shares no code with nt_v2.py.

    verify_export.py --model MODEL_DIR
"""
import argparse
import hashlib
import json
import math
import os
import struct

import numpy as np

SEQUENCE = ("ATTCCGATTCCGATTCCGACGTGTACGTGCACGGACGACTAGTCAGCATTTAAACCCGGGATATCGCGATAACCGGTTAAGGCCTTAC"
            "GATTACAGATTACACCAGGGGGCGCTAGTGG")


def read_safetensors(path):
    data = open(path, "rb").read()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    out = {}
    for name, info in header.items():
        if name == "__metadata__":
            continue
        assert info["dtype"] == "F32", name
        a, b = info["data_offsets"]
        out[name] = np.frombuffer(data[8 + size + a:8 + size + b], "<f4").reshape(info["shape"]).astype(np.float64)
    return out, len(data)


def layer_norm(x, w, b, eps):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w + b


_erf = np.vectorize(math.erf)


def logits(t, cfg, ids):
    H, A = cfg["hidden_size"], cfg["num_attention_heads"]
    d, eps, T = H // A, cfg["layer_norm_eps"], len(ids)
    x = t["esm.embeddings.word_embeddings.weight"][ids]
    for l in range(cfg["num_hidden_layers"]):
        g = lambda n: t[f"esm.encoder.layer.{l}.{n}"]
        y = layer_norm(x, g("attention.LayerNorm.weight"), g("attention.LayerNorm.bias"), eps)
        inv = g("attention.self.rotary_embeddings.inv_freq").astype(np.float32)
        theta = (np.arange(T, dtype=np.float32)[:, None] * inv).astype(np.float64)
        ctx = np.empty((T, H))
        q, k, v = (y @ g(f"attention.self.{n}.weight").T + g(f"attention.self.{n}.bias")
                   for n in ("query", "key", "value"))
        q = q / math.sqrt(d)
        for h in range(A):
            at = slice(h * d, (h + 1) * d)
            def turn(m):
                # rotation written with complex numbers: first half real, second half imaginary
                c = (m[:, :d // 2] + 1j * m[:, d // 2:]) * np.exp(1j * theta)
                return np.concatenate([c.real, c.imag], axis=1)
            s = turn(q[:, at]) @ turn(k[:, at]).T
            s = np.exp(s - s.max(1, keepdims=True))
            ctx[:, at] = s / s.sum(1, keepdims=True) @ v[:, at]
        x = x + ctx @ g("attention.output.dense.weight").T + g("attention.output.dense.bias")
        y = layer_norm(x, g("LayerNorm.weight"), g("LayerNorm.bias"), eps) @ g("intermediate.dense.weight").T
        gate, up = y[:, :y.shape[1] // 2], y[:, y.shape[1] // 2:]
        x = x + (gate / (1 + np.exp(-gate)) * up) @ g("output.dense.weight").T
    x = layer_norm(x, t["esm.encoder.emb_layer_norm_after.weight"], t["esm.encoder.emb_layer_norm_after.bias"], eps)
    z = x @ t["lm_head.dense.weight"].T + t["lm_head.dense.bias"]
    z = z * 0.5 * (1 + _erf(z / math.sqrt(2)))
    z = layer_norm(z, t["lm_head.layer_norm.weight"], t["lm_head.layer_norm.bias"], eps)
    return z @ t["lm_head.decoder.weight"].T + t["lm_head.bias"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    args = parser.parse_args()
    cfg = json.load(open(os.path.join(args.model, "config.json")))
    path = os.path.join(args.model, "model.safetensors")
    tensors, size = read_safetensors(path)
    vocab = open(os.path.join(args.model, "vocab.txt"), "rb").read()
    words = vocab.decode().split("\n")
    number = {w: i for i, w in enumerate(words)}
    ids, at = [number["<cls>"]], 0
    while at < len(SEQUENCE):
        n = 6 if len(SEQUENCE) - at >= 6 else 1
        ids.append(number[SEQUENCE[at:at + n]])
        at += n
    ids[9] = number["<mask>"]
    mine = logits(tensors, cfg, ids)

    import torch
    import evaluate_lm
    import nt_v2
    c2, p = evaluate_lm.load_model(args.model)
    with torch.no_grad():
        x = nt_v2.encode(p, c2, p["esm.embeddings.word_embeddings.weight"], torch.tensor(ids), [(1, len(ids))])
        other = nt_v2.head(p, c2, p["lm_head.decoder.weight"], x).numpy()
    parameters = sum(v.size for k, v in tensors.items() if not k.endswith("inv_freq"))
    print("file bytes", size, "tensors", len(tensors), "parameters", parameters)
    print("sha256 model.safetensors", hashlib.sha256(open(path, "rb").read()).hexdigest())
    print("sha256 vocab.txt", hashlib.sha256(vocab).hexdigest())
    print("tokens", len(ids), "largest |logit|", np.abs(mine).max(), "largest difference", np.abs(mine - other).max())
    assert size <= 10_000_000 and len(words) == 4107
    assert np.abs(mine - other).max() < 1e-4
    print("ok")


if __name__ == "__main__":
    main()
