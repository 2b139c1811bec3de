"""The convolutional network of GPN (model_type ConvNet) in plain PyTorch: sizes, parameters, forward pass, file format.

Parameters live in one dictionary whose keys are the tensor names of the published checkpoints.  The state is
[batch, length, hidden]; a sequence sees zeros beyond its ends.  With e_i the unit vector of token i:

    x   = e_id
    x  += LN(gelu(conv_9(x; dilation d_l) + b))        for every layer l, d_l = min(32, 2^(l mod 6))
    x  += LN(gelu(W x + b))
    logits = D LN(gelu(W x + b)) + c
"""
import json
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

EPS = 1e-5
TOKENS = ["[PAD]", "[MASK]", "[UNK]", "a", "c", "g", "t"]
PAD_ID, MASK_ID, UNK_ID, FIRST_BASE_ID = 0, 1, 2, 3
ID_OF_CODE = torch.tensor([3, 6, 4, 5])     # the corpus counts A=0, T=1, C=2, G=3 (dnautil.BASES)


def config(hidden, layers):
    """config.json with the keys of the published models that describe the network."""
    return {
        "architectures": ["ConvNetForMaskedLM"],
        "dilation_base": 2,
        "dilation_cycle": 6,
        "dilation_double_every": 1,
        "dilation_max": 32,
        "hidden_size": hidden,
        "initializer_range": 0.02,
        "kernel_size": 9,
        "model_type": "ConvNet",
        "n_aux_features": 0,
        "n_layers": layers,
        "torch_dtype": "float32",
        "transformers_version": "4.29.1",
        "vocab_size": len(TOKENS),
    }


def dilation(cfg, layer):
    exponent = (layer % cfg["dilation_cycle"]) // cfg["dilation_double_every"]
    return min(cfg["dilation_max"], cfg["dilation_base"] ** exponent)


def narrow(x):
    """The operand of a product: bfloat16 while training, as it is otherwise."""
    return x.bfloat16() if torch.is_autocast_enabled("cpu") else x


def norm_gelu(p, name, y):
    return F.layer_norm(F.gelu(y).float(), y.shape[-1:], p[name + ".weight"], p[name + ".bias"], EPS)


def convolution(p, name, x, step):
    """Same-length dilated convolution over dimension 1 of [B, L, H]: an image of height 1, channels last."""
    weight, bias = narrow(p[name + ".weight"]), narrow(p[name + ".bias"])
    reach = step * (weight.shape[2] // 2)
    image = narrow(x).unsqueeze(1).permute(0, 3, 1, 2)
    y = F.conv2d(image, weight.unsqueeze(2), bias, padding=(0, reach), dilation=(1, step))
    return y.permute(0, 2, 3, 1).squeeze(1)


def linear(p, name, x):
    return F.linear(narrow(x), narrow(p[name + ".weight"]), narrow(p[name + ".bias"]))


def encode(p, cfg, ids):
    """Hidden states [B, L, H] of ids [B, L]; there is no last LayerNorm."""
    x = F.one_hot(ids, cfg["hidden_size"]).to(next(iter(p.values())).dtype)
    for layer in range(cfg["n_layers"]):
        pre = f"model.encoder.{layer}."
        x = x + norm_gelu(p, pre + "conv.4", convolution(p, pre + "conv.1", x, dilation(cfg, layer)))
        x = x + norm_gelu(p, pre + "ffn.2", linear(p, pre + "ffn.0", x))
    return x


def head(p, x):
    """Logits of the masked-language-model head for hidden states [..., H]."""
    z = norm_gelu(p, "cls.decoder.2", linear(p, "cls.decoder.0", x))
    return F.linear(z, p["cls.decoder.3.weight"], p["cls.decoder.3.bias"])


def initial_parameters(cfg, generator):
    hidden, kernel = cfg["hidden_size"], cfg["kernel_size"]
    p = {}

    def product(name, *shape):
        inputs = shape[1] * (shape[2] if len(shape) > 2 else 1)
        p[name + ".weight"] = torch.randn(*shape, generator=generator) * inputs ** -0.5
        p[name + ".bias"] = torch.zeros(shape[0])

    def norm(name):
        p[name + ".weight"], p[name + ".bias"] = torch.ones(hidden), torch.zeros(hidden)

    for layer in range(cfg["n_layers"]):
        pre = f"model.encoder.{layer}."
        product(pre + "conv.1", hidden, hidden, kernel)
        norm(pre + "conv.4")
        product(pre + "ffn.0", hidden, hidden)
        norm(pre + "ffn.2")
    product("cls.decoder.0", hidden, hidden)
    norm("cls.decoder.2")
    product("cls.decoder.3", cfg["vocab_size"], hidden)
    p["cls.decoder.3.weight"] *= 0.1
    p["cls.decoder.3.bias"][:FIRST_BASE_ID] = -15.0
    return p


# ---- the published file format -------------------------------------------------------------------------------

def tokenizer_json():
    """tokenizer.json: lower case, one token per letter, everything else [UNK], nothing put around a sequence."""
    special = [dict(id=i, content=t, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
               for i, t in enumerate(TOKENS[:FIRST_BASE_ID])]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "[UNK]",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "vocab": {t: i for i, t in enumerate(TOKENS)},
            "merges": [],
        },
    }


def export(folder, p, cfg):
    """Writes config.json, model.safetensors and the three tokenizer files."""
    os.makedirs(folder, exist_ok=True)
    tensors = {k: v.detach().float().contiguous().clone() for k, v in p.items()}
    weights = os.path.join(folder, "model.safetensors")
    save_file(tensors, weights, metadata={"format": "pt"})
    os.chmod(weights, 0o644)
    names = {"mask_token": "[MASK]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    files = {"config.json": cfg, "tokenizer.json": tokenizer_json(), "special_tokens_map.json": names,
             "tokenizer_config.json": {"model_max_length": int(1e30), "tokenizer_class": "PreTrainedTokenizerFast",
                                       **names}}
    for name, content in files.items():
        with open(os.path.join(folder, name), "w") as handle:
            json.dump(content, handle, indent=2)
            handle.write("\n")
