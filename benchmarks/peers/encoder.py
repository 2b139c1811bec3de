"""The encoders of NT-v1, NT-v2 and DNABERT-2 in plain PyTorch: scaled_dot_product_attention, fused q, k, v, pooled layers.

No dropout, no masks where a batch has one length, nothing kept but the pooled layers: what a careful user would write.
"""

import math

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


def alibi_slopes(heads):
    def power_of_two(n):
        start = 2.0 ** (-(2.0 ** -(math.log2(n) - 3)))
        return [start * start ** i for i in range(n)]

    if math.log2(heads).is_integer():
        return power_of_two(heads)
    closest = 2 ** math.floor(math.log2(heads))
    return power_of_two(closest) + power_of_two(2 * closest)[0::2][:heads - closest]


class RandomTensors:
    """Numbers for every name of a model folder without weights, of the shapes that NT's files have."""

    def __init__(self, config):
        d, f = config["hidden_size"], config["intermediate_size"]
        up = f if config["position_embedding_type"] == "absolute" else 2 * f
        self.shapes = {"word_embeddings.weight": (config["vocab_size"], d), "LayerNorm.weight": (d,), "layer_norm_after.weight": (d,),
                       "position_embeddings.weight": (config["max_position_embeddings"], d), "intermediate.dense.weight": (up, d),
                       "intermediate.dense.bias": (up,), "attention.output.dense.weight": (d, d), "output.dense.weight": (d, f)}
        self.square, self.row, self.spread = (d, d), (d,), config["initializer_range"]

    def __getitem__(self, name):
        rest = self.row if name.endswith("bias") else self.square
        shape = next((shape for end, shape in self.shapes.items() if name.endswith(end)), rest)
        if "norm" in name.lower() or name.endswith("bias"):
            return torch.full(shape, 0.0 if name.endswith("bias") else 1.0)
        return torch.empty(shape, dtype=torch.bfloat16, device="cuda").normal_(0.0, self.spread)


class Block(torch.nn.Module):
    def __init__(self, tensors, prefix, config, post):
        super().__init__()
        self.heads, self.post, self.eps = config["num_attention_heads"], post, config["layer_norm_eps"]
        self.width = config["hidden_size"]
        self.plain = not post and config["position_embedding_type"] == "absolute"  # NT-v1: no gates
        take = lambda name: torch.nn.Parameter(tensors[prefix + name], requires_grad=False)
        if post:
            self.qkv, self.qkv_bias = take("attention.self.Wqkv.weight"), take("attention.self.Wqkv.bias")
            self.norm1 = torch.nn.ParameterList([take("attention.output.LayerNorm." + n) for n in ("weight", "bias")])
            self.up, self.down, self.down_bias = take("mlp.gated_layers.weight"), take("mlp.wo.weight"), take("mlp.wo.bias")
            self.norm2 = torch.nn.ParameterList([take("mlp.layernorm." + n) for n in ("weight", "bias")])
        else:
            parts = ("query", "key", "value")
            joined = lambda n: torch.cat([tensors[f"{prefix}attention.self.{p}.{n}"] for p in parts])
            self.qkv = torch.nn.Parameter(joined("weight"), requires_grad=False)
            self.qkv_bias = torch.nn.Parameter(joined("bias"), requires_grad=False)
            self.norm1 = torch.nn.ParameterList([take("attention.LayerNorm." + n) for n in ("weight", "bias")])
            self.up, self.down, self.down_bias = take("intermediate.dense.weight"), take("output.dense.weight"), None
            if self.plain:
                self.up_bias, self.down_bias = take("intermediate.dense.bias"), take("output.dense.bias")
            self.norm2 = torch.nn.ParameterList([take("LayerNorm." + n) for n in ("weight", "bias")])
        self.out, self.out_bias = take("attention.output.dense.weight"), take("attention.output.dense.bias")

    def norm(self, x, parameters):
        return F.layer_norm(x, (self.width,), parameters[0], parameters[1], self.eps)

    def attend(self, x, bias, cos, sin):
        (b, length, _), d = x.shape, self.width
        q, k, v = F.linear(x, self.qkv, self.qkv_bias).view(b, length, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        if cos is not None:
            half = lambda t: torch.cat((-t[..., t.shape[-1] // 2:], t[..., :t.shape[-1] // 2]), dim=-1)
            q, k = q * cos + half(q) * sin, k * cos + half(k) * sin
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return F.linear(y.transpose(1, 2).reshape(b, length, d), self.out, self.out_bias)

    def feed_forward(self, x):
        if self.plain:
            return F.linear(F.gelu(F.linear(x, self.up, self.up_bias)), self.down, self.down_bias)
        a, b = F.linear(x, self.up).chunk(2, dim=-1)
        return F.linear((F.gelu(a) if self.post else F.silu(a)) * b, self.down, self.down_bias)

    def forward(self, x, bias, cos, sin):
        if self.post:
            x = self.norm(x + self.attend(x, bias, cos, sin), self.norm1)
            return self.norm(x + self.feed_forward(x), self.norm2)
        x = x + self.attend(self.norm(x, self.norm1), bias, cos, sin)
        return x + self.feed_forward(self.norm(x, self.norm2))


class Encoder(torch.nn.Module):
    def __init__(self, folder, config):
        super().__init__()
        stored = folder / "model.safetensors"
        tensors = load_file(stored) if stored.exists() else RandomTensors(config)
        self.post = "alibi_starting_size" in config
        self.learned = not self.post and config["position_embedding_type"] == "absolute"
        root = "bert" if self.post else "esm"
        take = lambda name: torch.nn.Parameter(tensors[name], requires_grad=False)
        self.words = take(f"{root}.embeddings.word_embeddings.weight")
        self.eps, self.heads = config["layer_norm_eps"], config["num_attention_heads"]
        self.width = config["hidden_size"]
        self.head_width = self.width // self.heads
        if self.learned:
            self.places, self.first_place = take("esm.embeddings.position_embeddings.weight"), config["pad_token_id"] + 1
        if self.post:
            self.types = take("bert.embeddings.token_type_embeddings.weight")
            names = ["bert.embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.bias"]
        else:
            names = ["esm.encoder.emb_layer_norm_after.weight", "esm.encoder.emb_layer_norm_after.bias"]
        self.norm = torch.nn.ParameterList([take(n) for n in names])
        self.blocks = torch.nn.ModuleList(
            Block(tensors, f"{root}.encoder.layer.{i}.", config, self.post) for i in range(config["num_hidden_layers"]))
        if self.post:
            self.register_buffer("slopes", torch.tensor(alibi_slopes(self.heads)), persistent=False)

    def positions(self, length, dtype):
        if self.post or self.learned:
            return None, None
        frequency = 10000.0 ** (-torch.arange(0, self.head_width, 2, dtype=torch.float32) / self.head_width)
        angle = torch.outer(torch.arange(length, dtype=torch.float32), frequency)
        angle = torch.cat((angle, angle), dim=-1)
        return angle.cos().to(dtype), angle.sin().to(dtype)

    def bias(self, length, mask, dtype):
        bias = None
        if self.post:
            place = torch.arange(length)
            bias = (-self.slopes.float()[:, None, None] * (place[:, None] - place[None]).abs())[None].to(dtype)
        if mask is not None:
            padding = torch.zeros(mask.shape, dtype=dtype).masked_fill(mask == 0, torch.finfo(dtype).min)[:, None, None]
            bias = padding if bias is None else bias + padding
        return bias

    def layer_norm(self, x):
        return F.layer_norm(x, (self.width,), self.norm[0], self.norm[1], self.eps)

    def states(self, ids, mask=None, embedded=None):
        """All hidden states."""
        x = self.words[ids] if embedded is None else embedded
        if self.post:
            x = self.layer_norm(x + self.types[0])
        if self.learned:  # without mask tokens token dropout scales by 1 - 0.15 * 0.8
            x = 0.88 * x + self.places[self.first_place:self.first_place + ids.shape[1]]
        cos, sin = self.positions(ids.shape[1], x.dtype)
        bias = self.bias(ids.shape[1], mask, x.dtype)
        found = [x]
        for block in self.blocks:
            x = block(x, bias, cos, sin)
            found.append(x)
        if not self.post:
            found[-1] = self.layer_norm(x)
        return found

    def forward(self, ids, keep, mask=None):
        """Means over the tokens that `keep` weighs 1: (layers + 1, batch, D)."""
        weight = keep / keep.sum(dim=1, keepdim=True)
        return torch.stack([torch.einsum("bl,bld->bd", weight, x.float()) for x in self.states(ids, mask)])


def keep_mask(ids, special):
    keep = torch.ones(ids.shape, dtype=torch.float32)
    for token in special:
        keep[ids == token] = 0
    return keep
