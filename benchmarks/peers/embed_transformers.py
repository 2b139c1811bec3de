"""Embeddings of all layers by Hugging Face transformers end to end: its ESM class with NT-v2's gated block (what the
published remote code is), output_hidden_states, pooled afterwards. DNABERT-2 needs remote code that is no PyPI package."""

import common


def load(a, torch, transformers):
    from safetensors.torch import load_file

    class Gated(torch.nn.Module):
        def __init__(self, config):
            super().__init__()
            self.dense = torch.nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)

        def forward(self, x):
            gate, value = self.dense(x).chunk(2, dim=-1)
            return torch.nn.functional.silu(gate) * value

    config = transformers.EsmConfig(**{k: v for k, v in a.config.items() if k not in ("architectures", "auto_map")})
    model = transformers.EsmForMaskedLM(config)
    for layer in model.esm.encoder.layer:
        layer.intermediate = Gated(config)
        layer.output.dense = torch.nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
    model.load_state_dict(load_file(a.model / "model.safetensors"), strict=False)
    return model.esm.eval()


def main():
    a = common.arguments()
    if "alibi_starting_size" in a.config:
        common.finish("embed_transformers.py", a, [], ["transformers"], "DNABERT-2 is remote code, not in transformers")
        return
    import torch
    import transformers

    from encoder import keep_mask

    transformers.logging.set_verbosity_error()
    torch.set_grad_enabled(False)
    encode, rows = common.tokenizer(a), []
    for fmt in a.formats:
        model = load(a, torch, transformers)
        model = model.bfloat16() if fmt == "bf16" else model

        def embed(ids, mask, special):
            with torch.inference_mode():
                ids = torch.tensor(ids)
                mask = torch.ones_like(ids) if mask is None else torch.tensor(mask)
                states = model(ids, attention_mask=mask, output_hidden_states=True).hidden_states
                keep = keep_mask(ids, special)
                weight = keep / keep.sum(dim=1, keepdim=True)
                return torch.stack([torch.einsum("bl,bld->bd", weight, x.float()) for x in states]).numpy()

        for threads in a.threads:
            who = f"transformers {transformers.__version__}"
            rows += common.end_to_end(a, who, embed, fmt, threads, encode, torch.set_num_threads)
    common.finish("embed_transformers.py", a, rows, ["transformers", "torch"])


common.run("embed_transformers.py", main)
