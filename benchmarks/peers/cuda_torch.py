"""Embeddings of all layers by the plain PyTorch encoder (encoder.py) on a GPU: bf16, eager and torch.compile.

The work is that of bench_cuda_embed: text to pooled vectors in host memory, tokens and copies included. Several batches are
tried, the fastest counts. Where python has no torch or torch no GPU, the document says so.
"""

import json

import common


def embedder(torch, network, keep_mask):
    def embed(ids, mask, special):
        with torch.inference_mode():
            ids = torch.tensor(ids)
            mask = None if mask is None else torch.tensor(mask)
            return network(ids, keep_mask(ids, special), mask).cpu().numpy()

    return embed


class OnGpu(common.Engine):
    def best(self, in_order, repeats):
        """(batch, times, vectors of the first sequence): every size on all sequences, the least wall time counts."""
        found = []
        for size in sorted({min(size, len(self.a.lines)) for size in self.a.batch}):
            self.embed(self.a.lines, size, in_order)
            first = []
            times = common.measure(lambda: first.append(self.embed(self.a.lines, size, in_order)), 1, repeats)
            found.append((sorted(times[0])[len(times[0]) // 2], size, times, first[0]))
        return min(found, key=lambda f: f[0])[1:]


def rows_of(a, who, embed_batch, encode):
    engine = OnGpu(a, encode, embed_batch)
    ids = encode(a.lines)
    ragged = len({len(line) for line in a.lines}) > 1
    rows = []
    for order in (["sorted", "unsorted"] if ragged else [""]):
        size, times, first = engine.best(order == "unsorted", a.repeats)
        row = common.row(f"cuda_embed/{a.case}/bf16", who + (", " + order if order else ""), 1, common.flops(a, ids), times,
                         batch=size, sample=[float(x) for x in first[-1][:8]], tokens=sum(len(i) for i in ids))
        row["sequences_per_second"] = len(a.lines) / row["median_wall"]
        row["tokens_per_second"] = row["tokens"] / row["median_wall"]
        rows.append(row)
    return rows


def main():
    a = common.arguments(compile="yes")
    import torch

    if not torch.cuda.is_available():
        print(json.dumps({"program": "cuda_torch.py", "case": a.case, "missing": "torch finds no GPU"}))
        return
    from encoder import Encoder, keep_mask

    torch.set_grad_enabled(False)
    encode, failed = common.tokenizer(a), set()
    model = Encoder(a.model, a.config).eval().bfloat16().cuda()
    torch.set_default_device("cuda")  # where tokens, masks and positions are made
    who = f"torch {torch.__version__.split('+')[0]}, {torch.cuda.get_device_name(0)}"
    rows = rows_of(a, who + ", eager", embedder(torch, model, keep_mask), encode)
    if a.compile == "yes":
        a.batch = [rows[-1]["batch"]]
        try:
            compiled = torch.compile(model, fullgraph=True, dynamic=len({len(x) for x in a.lines}) > 1)
            rows += rows_of(a, who + ", compile", embedder(torch, compiled, keep_mask), encode)
        except Exception as problem:  # whatever the compiler says: the eager rows stand
            failed.add(f"torch.compile: {type(problem).__name__}: {str(problem).strip().splitlines()[0][:200]}")
    common.finish("cuda_torch.py", a, rows, ["torch", "tokenizers", "transformers"], "; ".join(sorted(failed)))


common.run("cuda_torch.py", main)
