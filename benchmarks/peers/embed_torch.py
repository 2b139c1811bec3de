"""Embeddings of all layers by the plain PyTorch encoder (encoder.py), eager and, with --compile yes, torch.compile."""

import common


def main():
    a = common.arguments(compile="no")
    import torch

    from encoder import Encoder, keep_mask

    torch.set_grad_enabled(False)
    encode, rows = common.tokenizer(a), []
    for fmt in a.formats:
        model = Encoder(a.model, a.config).eval()
        model = model.bfloat16() if fmt == "bf16" else model
        settings = [("eager", model)]
        if a.compile == "yes":
            settings.append(("compile", torch.compile(model, dynamic=len({len(line) for line in a.lines}) > 1)))
        for how, network in settings:

            def embed(ids, mask, special):
                with torch.inference_mode():
                    ids = torch.tensor(ids)
                    mask = None if mask is None else torch.tensor(mask)
                    return network(ids, keep_mask(ids, special), mask).numpy()

            for threads in a.threads:
                who = f"torch {torch.__version__.split('+')[0]} {how}"
                rows += common.end_to_end(a, who, embed, fmt, threads, encode, torch.set_num_threads)
    common.finish("embed_torch.py", rows, ["torch", "tokenizers", "transformers"])


common.run("embed_torch.py", main)
