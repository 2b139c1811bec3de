"""What the peers of the end-to-end cases share: arguments, tokens, padded batches, clocks, JSON."""

import argparse
import importlib.metadata
import json
import math
import os
import pathlib
import statistics
import time


def arguments(**more):
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--sequences", type=pathlib.Path, required=True)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--formats", default="f32,bf16")
    parser.add_argument("--batch", default="4,16", help="sizes to try; the fastest counts")
    for name, default in more.items():
        parser.add_argument("--" + name, default=default)
    a = parser.parse_args()
    a.threads = [int(t) for t in a.threads.split(",")]
    a.formats = a.formats.split(",")
    a.batch = [int(b) for b in a.batch.split(",")]
    lines = a.sequences.read_text().split()
    a.lines = lines[:a.limit] if a.limit else lines
    a.config = json.loads((a.model / "config.json").read_text())
    return a


def is_hyena(a):
    return a.config.get("model_type") == "hyenadna"


def is_gpn(a):
    return a.config.get("model_type") == "ConvNet"


def is_caduceus(a):
    return a.config.get("model_type") == "caduceus"


def tokenizer(a):
    """A function from a list of sequences to lists of ids: the tokenizer a user of the model has."""
    if is_hyena(a):
        letters = bytes.maketrans(b"ACGTN", bytes([7, 8, 9, 10, 11]))
        return lambda lines: [list(line.encode().translate(letters)) + [1] for line in lines]
    if (a.model / "tokenizer.json").exists():
        from tokenizers import Tokenizer

        fast = Tokenizer.from_file(str(a.model / "tokenizer.json"))
        return lambda lines: [e.ids for e in fast.encode_batch(lines)]
    if is_caduceus(a):
        return lambda lines: [[7 + "ACGTN".index(letter) for letter in line.upper()] + [1] for line in lines]
    from transformers import EsmTokenizer

    slow = EsmTokenizer(str(a.model / "vocab.txt"), eos_token=None)
    return lambda lines: slow(lines)["input_ids"]


def special_ids(a):
    if is_caduceus(a):
        return {0, 1, 2, 3, 4, 5, 6}
    if is_gpn(a):
        return {0, 1}
    return {0, 1, 2, 3, 4} if (a.model / "tokenizer.json").exists() or is_hyena(a) else {1, 2, 3}


def padded(ids, pad):
    """(ids, mask) of a batch as lists; mask None when all are of one length."""
    longest = max(len(row) for row in ids)
    mask = None if all(len(row) == longest for row in ids) else [[1] * len(r) + [0] * (longest - len(r)) for r in ids]
    return [row + [pad] * (longest - len(row)) for row in ids], mask


def batches(a, ids, size, in_order):
    """Batches of numbers of sequences, those with most tokens first when sorted, else as they stand."""
    order = list(range(len(ids))) if in_order else sorted(range(len(ids)), key=lambda i: -len(ids[i]))
    return [order[k:k + size] for k in range(0, len(order), size)]


def hyena_flops(c, length):
    """2 (4 D^2 + 2 D F) per token and layer, taps and gates, and 5 N log2 N + 3 N per channel, N = 2 L."""
    d, f, n = c["d_model"], c["d_inner"], 2 * length
    transforms = 5 * n * math.log2(n) + 3 * n
    return c["n_layer"] * (length * (2 * (4 * d * d + 2 * d * f) + 20 * d) + d * transforms)


def caduceus_flops(c):
    """Of a token: 2 x block weights of every strand, and 6 per direction, channel and state of the scan."""
    d, n, q = c["d_model"], c["ssm_cfg"]["d_state"], -(-c["d_model"] // 16)
    e = int(c["ssm_cfg"]["expand"] * d)
    block = 6 * d * e + 2 * (2 * e * (q + 2 * n) + 2 * q * e + 6 * e * n)
    return (2 if c["rcps"] else 1) * c["n_layer"] * block


def flops(a, ids):
    """Of a forward pass, as support/forward_flops.hpp counts them; a.operations: of a length, where a peer knows them."""
    c = a.config
    if hasattr(a, "operations"):
        return sum(a.operations(len(row)) for row in ids)
    if is_caduceus(a):
        return sum(len(row) for row in ids) * caduceus_flops(c)
    if is_hyena(a):
        return sum(hyena_flops(c, len(row)) for row in ids)
    if is_gpn(a):
        return sum(len(row) for row in ids) * c["n_layers"] * 2 * (c["kernel_size"] + 1) * c["hidden_size"] ** 2
    d, f, n = c["hidden_size"], c["intermediate_size"], c["num_hidden_layers"]
    products = 2 if c.get("position_embedding_type") == "absolute" and "alibi_starting_size" not in c else 3
    return sum(len(row) * n * (2 * (4 * d * d + products * d * f) + 4 * d * len(row)) for row in ids)


def measure(work, threads, repeats):
    """Wall and processor seconds (per thread) of each repetition."""
    wall, cpu = [], []
    for _ in range(repeats):
        w, c = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - w)
        cpu.append((time.process_time() - c) / threads)
    return wall, cpu


def row(case, who, threads, work, times, **more):
    wall, cpu = times
    load = " ".join(pathlib.Path("/proc/loadavg").read_text().split()[:3]) if os.path.exists("/proc/loadavg") else ""
    return {"case": case, "who": who, "threads": threads, "work": work, "unit": "flop", "wall_seconds": wall,
            "cpu_seconds": cpu, "median_wall": statistics.median(wall), "median_cpu": statistics.median(cpu),
            "load": load, **more}


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def finish(program, a, rows, packages, missing=None):
    document = {"program": program, "rows": rows, "versions": {p: version(p) for p in packages}}
    if missing:
        document.update(case=a.case, missing=missing)
    print(json.dumps(document))


def run(program, main):
    """Missing packages are told, not failed."""
    try:
        main()
    except ImportError as problem:
        print(json.dumps({"program": program, "missing": str(problem)}))


class Engine:
    """One engine on the sequences of a case. embed_batch(ids, mask, special) -> pooled layers (layers + 1, batch, D)."""

    def __init__(self, a, encode, embed_batch):
        self.a, self.encode, self.embed_batch = a, encode, embed_batch
        self.pad = 3 if (a.model / "tokenizer.json").exists() else 1
        self.special = special_ids(a)

    def embed(self, lines, size, in_order, some=None):
        """Everything that a user does: tokens, batches, vectors. Returns those of the first sequence where it is among them.

        some: picks the batches that run, to warm up.
        """
        ids, first = self.encode(lines), None
        groups = batches(self.a, ids, size, in_order)
        for group in groups if some is None else some(groups):
            pooled = self.embed_batch(*padded([ids[i] for i in group], self.pad), self.special)
            if 0 in group:
                first = pooled[:, group.index(0)]
        return first

    def best_batch(self, in_order):
        """The size of those to try that takes the least processor time for the same work; sizes beyond the number of sequences are one."""
        lines = self.a.lines
        sizes = sorted({min(size, len(lines)) for size in self.a.batch})
        seconds = {}
        for size in sizes if len(sizes) > 1 else []:
            part = lines[:2 * size]
            self.embed(part, size, in_order, lambda groups: groups[:1])
            start = time.process_time()
            self.embed(part, size, in_order)
            seconds[size] = (time.process_time() - start) / flops(self.a, self.encode(part))
        return min(seconds, key=seconds.get) if seconds else sizes[0]


def end_to_end(a, who, embed_batch, fmt, threads, encode, set_threads, batch=None):
    """Rows of one engine and setting; where lengths differ one sorted by them and one as they stand. batch: not tried, given."""
    set_threads(threads)
    engine = Engine(a, encode, embed_batch)
    work = flops(a, encode(a.lines))
    ragged = len({len(line) for line in a.lines}) > 1
    rows = []
    for order in (["sorted", "unsorted"] if ragged else [""]):
        in_order = order == "unsorted"
        size = batch or engine.best_batch(in_order)
        engine.embed(a.lines, size, in_order, lambda groups: groups[:1] + groups[-1:])
        found = []
        times = measure(lambda: found.append(engine.embed(a.lines, size, in_order)), threads, a.repeats)
        sample = [float(x) for x in found[0][-1][:8]]
        name = who + (", " + order if order else "")
        rows.append(row(f"embed/{a.case}/{fmt}/t{threads}", name, threads, work, times, batch=size, sample=sample))
    return rows
