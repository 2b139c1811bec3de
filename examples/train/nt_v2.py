"""The Nucleotide Transformer v2 network in plain PyTorch: sizes, parameters, forward pass, file format.

Parameters live in one dictionary whose keys are the tensor names of the published checkpoints.  All linear layers
work on a flat list of tokens [N, H]; only attention looks at the single sequences.  `groups` describes the flat
list: (number of sequences, tokens per sequence) for stretches of sequences of equal length.
"""
import json
import math
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import dnautil as du

EPS = 1e-12


def config(hidden, heads, inner, layers, max_positions):
    """config.json with the keys of the published v2 models."""
    return {
        "add_bias_fnn": False,
        "architectures": ["EsmForMaskedLM", "EsmForTokenClassification", "EsmForSequenceClassification"],
        "attention_probs_dropout_prob": 0.0,
        "auto_map": {
            "AutoConfig": "esm_config.EsmConfig",
            "AutoModelForMaskedLM": "modeling_esm.EsmForMaskedLM",
            "AutoModelForTokenClassification": "modeling_esm.EsmForTokenClassification",
            "AutoModelForSequenceClassification": "modeling_esm.EsmForSequenceClassification",
        },
        "emb_layer_norm_before": False,
        "esmfold_config": None,
        "hidden_dropout_prob": 0.0,
        "hidden_size": hidden,
        "initializer_range": 0.02,
        "intermediate_size": inner,
        "is_folding_model": False,
        "layer_norm_eps": EPS,
        "mask_token_id": du.MASK_ID,
        "max_position_embeddings": max_positions,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "pad_token_id": du.PAD_ID,
        "position_embedding_type": "rotary",
        "tie_word_embeddings": False,
        "token_dropout": False,
        "torch_dtype": "float32",
        "transformers_version": "4.32.0.dev0",
        "use_cache": False,
        "vocab_list": None,
        "vocab_size": du.VOCAB_SIZE,
    }


def inverse_frequencies(head_dim):
    return 1.0 / (10000.0 ** (torch.arange(0, head_dim, 2).float() / head_dim))


def rotary_tables(groups, head_dim):
    """cos and sin [N, 1, d/2] for the flat token list; the angle is a float32 product."""
    inv = inverse_frequencies(head_dim)
    position = torch.cat([torch.arange(t).repeat(n) for n, t in groups]).float()
    angle = position[:, None] * inv
    return angle.cos()[:, None], angle.sin()[:, None]


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def attention(q, k, v, groups):
    """q, k, v: [N, A, d] -> [N, A*d].  q is scaled already."""
    out, at = [], 0
    for n, t in groups:
        part = slice(at, at + n * t)
        at += n * t
        qg, kg, vg = (x[part].unflatten(0, (n, t)).transpose(1, 2) for x in (q, k, v))
        with torch.autocast("cpu", enabled=False):     # bfloat16 attention is slow on CPUs
            y = F.scaled_dot_product_attention(qg.float(), kg.float(), vg.float(), scale=1.0)
        out.append(y.transpose(1, 2).reshape(n * t, -1))
    return torch.cat(out)


def encode(p, cfg, embedding, ids, groups, tables=None):
    """Final hidden states [N, H] (after the last LayerNorm).  `embedding` is the [V, H] matrix."""
    heads, hidden = cfg["num_attention_heads"], cfg["hidden_size"]
    d = hidden // heads
    cos, sin = tables if tables is not None else rotary_tables(groups, d)
    norm = lambda x, name: F.layer_norm(x, (hidden,), p[name + ".weight"], p[name + ".bias"], EPS)
    linear = lambda x, name: F.linear(x, p[name + ".weight"], p[name + ".bias"])
    x = F.embedding(ids, embedding)
    for l in range(cfg["num_hidden_layers"]):
        pre = f"esm.encoder.layer.{l}."
        y = norm(x, pre + "attention.LayerNorm")
        q = linear(y, pre + "attention.self.query").float() * d ** -0.5
        k = linear(y, pre + "attention.self.key").float()
        v = linear(y, pre + "attention.self.value").float()
        q, k, v = (t.unflatten(-1, (heads, d)) for t in (q, k, v))
        y = attention(rotate(q, cos, sin), rotate(k, cos, sin), v, groups)
        x = x + linear(y, pre + "attention.output.dense")
        y = norm(x, pre + "LayerNorm")
        gate, up = F.linear(y, p[pre + "intermediate.dense.weight"]).chunk(2, dim=-1)
        x = x + F.linear(F.silu(gate) * up, p[pre + "output.dense.weight"])
    return norm(x, "esm.encoder.emb_layer_norm_after")


def head(p, cfg, decoder, x):
    """Logits of the masked-language-model head for hidden states [M, H]."""
    z = F.gelu(F.linear(x, p["lm_head.dense.weight"], p["lm_head.dense.bias"]))
    z = F.layer_norm(z, (cfg["hidden_size"],), p["lm_head.layer_norm.weight"], p["lm_head.layer_norm.bias"], EPS)
    return F.linear(z, decoder, p["lm_head.bias"])


# ---- parameters while training -------------------------------------------------------------------------------

def compose(tables, special):
    """[V, H] matrix whose 6-mer rows are sums over all the sub-k-mers of the 6-mer, each at its place.

    tables[(s, n)] has one row per n-mer and stands for the bases s..s+n-1 of the 6-mer; (0, 6) is a free row per
    token.  The recursion adds every table once but works at full size only twice.
    """
    def ending(s, n):               # everything that ends exactly at base s+n-1 and starts at s or later
        t = tables[(s, n)]
        return t if n == 1 else (t.view(4, -1, t.shape[1]) + ending(s + 1, n - 1)).view(t.shape)

    def within(s, n):               # everything inside the bases s..s+n-1
        t = tables[(s, n)]
        if n == 1:
            return t
        t = (t.view(4, -1, t.shape[1]) + ending(s + 1, n - 1)).view(t.shape)
        return (t.view(-1, 4, t.shape[1]) + within(s, n - 1)[:, None]).view(t.shape)

    return torch.cat([special[:du.FIRST_KMER_ID], within(0, 6), special[du.FIRST_KMER_ID:]])


def new_tables(hidden, std, generator):
    tables = {(s, n): torch.randn(4 ** n, hidden, generator=generator) * std
              for n in range(1, 7) for s in range(7 - n)}
    special = torch.randn(du.VOCAB_SIZE - du.NUM_KMERS, hidden, generator=generator) * std * math.sqrt(len(tables))
    return tables, special


def initial_parameters(cfg, generator):
    """Everything except the two token matrices."""
    H, I, L, A = (cfg[k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"))
    d, std = H // A, cfg["initializer_range"]
    p = {}

    def linear(name, rows, cols, bias=True, scale=1.0):
        p[name + ".weight"] = torch.randn(rows, cols, generator=generator) * std * scale
        if bias:
            p[name + ".bias"] = torch.zeros(rows)

    def norm(name):
        p[name + ".weight"], p[name + ".bias"] = torch.ones(H), torch.zeros(H)

    residual = (2 * L) ** -0.5
    for l in range(L):
        pre = f"esm.encoder.layer.{l}."
        norm(pre + "attention.LayerNorm")
        for part in ("query", "key", "value"):
            linear(pre + f"attention.self.{part}", H, H, scale=2.0)
        linear(pre + "attention.output.dense", H, H, scale=2.0 * residual)
        norm(pre + "LayerNorm")
        linear(pre + "intermediate.dense", 2 * I, H, bias=False, scale=2.0)
        linear(pre + "output.dense", H, I, bias=False, scale=2.0 * residual)
        # Most heads start by looking at one place near by: with q = a*exp(i*theta*offset) and k = a in the biases,
        # the rotary score is largest where key position - query position = offset.
        offsets = [-1, 1, -1, 1, -2, 2, -3, 3] if l == 0 else [-1, 1, -2, 2]
        theta = inverse_frequencies(d)
        amplitude = torch.zeros(d // 2)
        amplitude[:4] = torch.tensor([32.0, 12.0, 6.0, 3.0]).sqrt()     # fast turning pairs tell neighbours apart
        for h, offset in enumerate(offsets[:A - 2]):
            rows = slice(h * d, (h + 1) * d)
            p[pre + "attention.self.query.bias"][rows] = torch.cat(
                [amplitude * (theta * offset).cos(), amplitude * (theta * offset).sin()])
            p[pre + "attention.self.key.bias"][rows] = torch.cat(
                [amplitude, torch.zeros(d // 2)])
    norm("esm.encoder.emb_layer_norm_after")
    linear("lm_head.dense", H, H, scale=2.0)
    norm("lm_head.layer_norm")
    p["lm_head.bias"] = torch.zeros(cfg["vocab_size"])
    return p


# ---- the published file format -------------------------------------------------------------------------------

def export(folder, p, cfg, embedding, decoder):
    """Writes config.json, model.safetensors and the three tokenizer files."""
    os.makedirs(folder, exist_ok=True)
    d = cfg["hidden_size"] // cfg["num_attention_heads"]
    tensors = dict(p)
    tensors["esm.embeddings.word_embeddings.weight"] = embedding
    # The published files carry a position table that rotary models never read, and a contact head that no one
    # trains on DNA; both are kept, filled with zeros.
    tensors["esm.embeddings.position_embeddings.weight"] = torch.zeros(
        cfg["max_position_embeddings"], cfg["hidden_size"])
    maps = cfg["num_hidden_layers"] * cfg["num_attention_heads"]
    tensors["esm.contact_head.regression.weight"] = torch.zeros(1, maps)
    tensors["esm.contact_head.regression.bias"] = torch.zeros(1)
    tensors["lm_head.decoder.weight"] = decoder
    for l in range(cfg["num_hidden_layers"]):
        tensors[f"esm.encoder.layer.{l}.attention.self.rotary_embeddings.inv_freq"] = inverse_frequencies(d)
    tensors = {k: v.detach().float().contiguous().clone() for k, v in tensors.items()}
    weights = os.path.join(folder, "model.safetensors")
    save_file(tensors, weights, metadata={"format": "pt"})
    os.chmod(weights, 0o644)
    with open(os.path.join(folder, "config.json"), "w") as handle:
        json.dump(cfg, handle, indent=2)
        handle.write("\n")
    with open(os.path.join(folder, "vocab.txt"), "w") as handle:
        handle.write("\n".join(du.vocabulary()))
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as handle:
        json.dump({"clean_up_tokenization_spaces": True, "eos_token": None,
                   "model_max_length": cfg["max_position_embeddings"] - 2, "tokenizer_class": "EsmTokenizer"},
                  handle, indent=2)
        handle.write("\n")
    with open(os.path.join(folder, "special_tokens_map.json"), "w") as handle:
        json.dump({"cls_token": "<cls>", "mask_token": "<mask>", "pad_token": "<pad>", "unk_token": "<unk>"},
                  handle, indent=2)
        handle.write("\n")
    return tensors
