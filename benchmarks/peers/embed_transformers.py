"""Embeddings of all layers by Hugging Face transformers end to end: its ESM class (esm_transformers.py), output_hidden_states,
pooled afterwards. DNABERT-2 needs remote code that is no PyPI package."""

import common
import esm_transformers


def main():
    a = common.arguments()
    reason = esm_transformers.refused(a)
    if reason:
        common.finish("embed_transformers.py", a, [], ["transformers"], reason)
        return
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    torch.set_grad_enabled(False)
    encode, rows = common.tokenizer(a), []
    for fmt in a.formats:
        model = esm_transformers.load(a, torch, transformers)
        model = model.bfloat16() if fmt == "bf16" else model

        def embed(ids, mask, special):
            return esm_transformers.pooled(torch, model, ids, mask, special).numpy()

        for threads in a.threads:
            who = f"transformers {transformers.__version__}"
            rows += common.end_to_end(a, who, embed, fmt, threads, encode, torch.set_num_threads)
    common.finish("embed_transformers.py", a, rows, ["transformers", "torch"])


common.run("embed_transformers.py", main)
