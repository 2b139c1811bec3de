"""Embeddings of all layers by Caduceus in plain PyTorch: products and convolutions of torch, the selective scan position by position.

mamba_ssm's kernels need a GPU; without one its users have a loop over positions, as here: the exponentials of all positions at once,
then one fused multiply and add and one small product each. Both strands of a batch go through a layer together. Sequences of one length.
"""

import common


def load(torch, a):
    from safetensors.torch import load_file

    F, c = torch.nn.functional, a.config
    tensors = {name.removeprefix("caduceus.backbone."): value for name, value in load_file(a.model / "model.safetensors").items()}
    two, states = c["rcps"], c["ssm_cfg"]["d_state"]
    words = tensors["embeddings.word_embeddings." + ("embedding.weight" if two else "weight")]
    complement = torch.tensor([c["complement_map"][str(token)] for token in range(words.shape[0])]) if two else None
    turn = lambda x: x.flip((-2, -1))

    def norm(x, name):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + c["norm_epsilon"]) * tensors[name]

    def scan(x, delta, B, C, A, D):
        """(batch, L, E), (batch, L, E), (batch, L, N), (batch, L, N)."""
        decay = torch.exp(delta.unsqueeze(-1) * A)
        added = (delta * x).unsqueeze(-1) * B.unsqueeze(2)
        state, rows = torch.zeros_like(decay[:, 0]), []
        for t in range(x.shape[1]):
            state = torch.addcmul(added[:, t], decay[:, t], state)
            rows.append(torch.einsum("ben,bn->be", state, C[:, t]))
        return torch.stack(rows, 1) + x * D

    def direction(u, weight, prefix):
        """One direction's part of the mixer before the shared projection; u (batch, L, D)."""
        take = lambda name: tensors[prefix + name]
        x, z = F.linear(u, weight).chunk(2, -1)
        taps = take("conv1d.weight")
        x = F.conv1d(x.transpose(1, 2), taps, take("conv1d.bias"), padding=taps.shape[-1] - 1, groups=taps.shape[0])
        x = F.silu(x[..., :u.shape[1]].transpose(1, 2))
        parts = F.linear(x, take("x_proj.weight"))
        steps, B, C = parts.split([parts.shape[-1] - 2 * states, states, states], -1)
        delta = F.softplus(F.linear(steps, take("dt_proj.weight"), take("dt_proj.bias")))
        return scan(x, delta, B, C, -torch.exp(take("A_log")), take("D")) * F.silu(z)

    def mixer(u, layer):
        prefix = f"layers.{layer}.mixer." + ("submodule." if two else "")
        into, out = (tensors[prefix + f"mamba_fwd.{name}_proj.weight"] for name in ("in", "out"))
        back = direction(u.flip(1), into, prefix + "mamba_rev.").flip(1)
        return F.linear(direction(u, into, prefix + "mamba_fwd.") + back, out)

    def block(x, layer):
        """x: (batch, L, D), or both strands in one batch, each in its own frame: given, and turned round."""
        if two:
            given, other = x.chunk(2)
            x = torch.cat([turn(other), turn(given)])
        return x + mixer(norm(x, f"layers.{layer}.norm.weight"), layer)

    def shown(x):
        if not two:
            return x
        given, other = x.chunk(2)
        return torch.cat([given, turn(other)], -1)

    def hidden_states(ids):
        x = words[ids]
        if two:
            x = torch.cat([x, words[complement[ids.flip(1)]]])
        found = [shown(x)]
        for layer in range(c["n_layer"]):
            x = block(x, layer)
            found.append(shown(x))
        found[-1] = shown(norm(x, "norm_f.weight"))
        return found

    return hidden_states


def main():
    a = common.arguments()
    import torch

    from encoder import keep_mask

    torch.set_grad_enabled(False)
    encode, states, rows = common.tokenizer(a), load(torch, a), []

    def embed(ids, mask, special):
        if mask is not None:
            raise SystemExit("Caduceus takes no mask: give sequences of one length")
        with torch.inference_mode():
            ids = torch.tensor(ids)
            keep = keep_mask(ids, special)
            weight = keep / keep.sum(dim=1, keepdim=True)
            return torch.stack([torch.einsum("bl,bld->bd", weight, x) for x in states(ids)]).numpy()

    who = f"torch {torch.__version__.split('+')[0]} loop"
    for threads in a.threads:
        rows += common.end_to_end(a, who, embed, "f32", threads, encode, torch.set_num_threads)
    common.finish("embed_caduceus.py", a, rows, ["torch"])


common.run("embed_caduceus.py", main)
