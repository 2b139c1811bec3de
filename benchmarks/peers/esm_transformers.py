"""Nucleotide Transformers as transformers has them: its ESM class, for NT-v2 with the gated block that the published remote code is."""


def refused(a):
    """Why transformers has no such model; None where it has."""
    return "DNABERT-2 is remote code, not in transformers" if "alibi_starting_size" in a.config else None


def load(a, torch, transformers, device="cpu"):
    """The encoder of a folder; of one without weights, with random ones."""
    from safetensors.torch import load_file

    class Gated(torch.nn.Module):
        def __init__(self, config):
            super().__init__()
            self.dense = torch.nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)

        def forward(self, x):
            gate, value = self.dense(x).chunk(2, dim=-1)
            return torch.nn.functional.silu(gate) * value

    config = transformers.EsmConfig(**{k: v for k, v in a.config.items() if k not in ("architectures", "auto_map")})
    with torch.device(device):
        model = transformers.EsmForMaskedLM(config)
        for layer in model.esm.encoder.layer if config.position_embedding_type == "rotary" else []:
            layer.intermediate = Gated(config)
            layer.output.dense = torch.nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
    weights = a.model / "model.safetensors"
    if weights.exists():
        model.load_state_dict(load_file(weights), strict=False)
    return model.esm.eval()


def pooled(torch, network, ids, mask, special):
    """Mean of all layers over the sequence's own tokens, (layers + 1, batch, D)."""
    from encoder import keep_mask

    with torch.inference_mode():
        ids = torch.tensor(ids)
        mask = torch.ones_like(ids) if mask is None else torch.tensor(mask)
        states = network(ids, attention_mask=mask, output_hidden_states=True).hidden_states
        keep = keep_mask(ids, special)
        weight = keep / keep.sum(dim=1, keepdim=True)
        return torch.stack([torch.einsum("bl,bld->bd", weight, x.float()) for x in states])
