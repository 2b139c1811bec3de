"""What the end-to-end peers on a GPU share: batches of several sizes, of which the fastest counts, eager and torch.compile."""

import json

import common


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


def measure(program, who, load, embedder, packages, refused=lambda a: None, fullgraph=False):
    """load(a, torch): a bf16 network on the GPU. embedder(torch, network): (ids, mask, special) to pooled layers on the host.

    refused(a): why a model is none for this peer. The document says so, and where there is no GPU.
    """
    a = common.arguments(compile="yes")
    reason = refused(a)
    if reason:
        print(json.dumps({"program": program, "case": a.case, "missing": reason}))
        return
    import torch

    if not torch.cuda.is_available():
        print(json.dumps({"program": program, "case": a.case, "missing": "torch finds no GPU"}))
        return
    torch.set_grad_enabled(False)
    encode, failed = common.tokenizer(a), ""
    network, name = load(a, torch)
    torch.set_default_device("cuda")  # where tokens, masks and positions are made
    who = f"{who}{name}, {torch.cuda.get_device_name(0)}"
    rows = rows_of(a, who + ", eager", embedder(torch, network), encode)
    if a.compile == "yes":
        a.batch = [rows[-1]["batch"]]
        try:
            compiled = torch.compile(network, fullgraph=fullgraph, dynamic=len({len(x) for x in a.lines}) > 1)
            rows += rows_of(a, who + ", compile", embedder(torch, compiled), encode)
        except Exception as problem:  # whatever the compiler says: the eager rows stand
            failed = f"torch.compile: {type(problem).__name__}: {str(problem).strip().splitlines()[0][:200]}"
    common.finish(program, a, rows, packages, failed)
