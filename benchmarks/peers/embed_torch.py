"""Embeddings of all layers by the plain PyTorch encoder (encoder.py), eager and, with --compile yes, torch.compile."""

import common


def embedder(torch, network, keep_mask):
    def embed(ids, mask, special):
        with torch.inference_mode():
            ids = torch.tensor(ids)
            mask = None if mask is None else torch.tensor(mask)
            return network(ids, keep_mask(ids, special), mask).numpy()

    return embed


def main():
    a = common.arguments(compile="no")
    import torch

    from encoder import Encoder, keep_mask

    torch.set_grad_enabled(False)
    encode, rows, failed = common.tokenizer(a), [], set()
    ragged = len({len(line) for line in a.lines}) > 1
    who = f"torch {torch.__version__.split('+')[0]}"
    for fmt in a.formats:
        model = Encoder(a.model, a.config).eval()
        model = model.bfloat16() if fmt == "bf16" else model
        for threads in a.threads:
            eager = embedder(torch, model, keep_mask)
            rows += common.end_to_end(a, who + " eager", eager, fmt, threads, encode, torch.set_num_threads)
            if a.compile != "yes":
                continue
            # A graph belongs to its format, number of threads and batch: the batch that was best without it, and a
            # fresh start each time, as torch goes back to eager after eight graphs of one function.
            torch._dynamo.reset()
            compiled = embedder(torch, torch.compile(model, dynamic=ragged, fullgraph=True), keep_mask)
            try:
                rows += common.end_to_end(a, who + " compile", compiled, fmt, threads, encode, torch.set_num_threads,
                                          rows[-1]["batch"])
            except Exception as problem:  # whatever the compiler says: the eager rows stand
                failed.add(f"torch.compile: {type(problem).__name__}: {str(problem).strip().splitlines()[0][:200]}")
    common.finish("embed_torch.py", a, rows, ["torch", "tokenizers", "transformers"], "; ".join(sorted(failed)))


common.run("embed_torch.py", main)
