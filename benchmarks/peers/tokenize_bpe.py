"""Byte pair encoding on one thread, dnalm beside Hugging Face tokenizers, in one run.

    python tokenize_bpe.py --program dnalm_bench_tokenize_bpe --tokenizer NAME=tokenizer.json ... --out ../results
                           [--python OTHER_PYTHON ...] [--fasta real.fa] [--rounds 5] [--lengths 100,1k,100k,10M]

Each --python is an interpreter with another version of tokenizers; this one runs too. Every round starts each program anew, one
after the other, on the same files of sequences; each sequence is encoded once (the peers keep a cache of words). Of the peers
counts the fastest of encode, encode_batch and, where there is one, encode_batch_fast (which makes no offsets). Figures are
medians over the rounds of bases per CPU second (user and system time of the process: the machine may be busy).

Writes tokenize_bpe.json (all numbers) and tokenize_bpe.txt (the table).
"""

import argparse
import json
import pathlib
import platform
import random
import statistics
import sys
import tempfile
import time

from tokenize_shared import LENGTHS, add_options, describe, machine, run, versions, write


def peer(arguments):
    """The inner call: --peer NAME=tokenizer.json[,...] LABEL=sequences ..."""
    import tokenizers

    for item in arguments[0].split(","):
        name, path = item.split("=", 1)
        for sequences in arguments[1:]:
            label, file = sequences.split("=", 1)
            lines = pathlib.Path(file).read_text().split("\n")[:-1]
            bases = sum(map(len, lines))
            for method in ("encode", "encode_batch", "encode_batch_fast"):
                tokenizer = tokenizers.Tokenizer.from_file(path)
                if not hasattr(tokenizer, method) or (bases > 5_000_000 and method != "encode"):
                    continue
                wall, cpu = time.perf_counter(), time.process_time()
                if method == "encode":
                    tokens = sum(len(tokenizer.encode(line)) for line in lines)
                else:
                    tokens = sum(map(len, getattr(tokenizer, method)(lines)))
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                print(json.dumps({"tokenizer": name, "sequences": label, "method": method, "cpu_seconds": cpu,
                                  "wall_seconds": wall, "bases": bases, "tokens": tokens}), flush=True)


def write_sequences(folder, fasta, labels):
    stream = random.Random(1)
    files = {}
    real = ""
    if fasta:
        real = "".join(line.strip().upper() for line in open(fasta) if not line.startswith(">"))
    for label, (length, count) in ((label, LENGTHS[label]) for label in labels):
        files[f"random {label}"] = ["".join(stream.choices("ACGT", k=length)) for _ in range(count)]
        if length < len(real):
            starts = [stream.randrange(len(real) - length) for _ in range(count)]
            files[f"real {label}"] = [real[s:s + length] for s in starts]
    paths = {}
    for label, lines in files.items():
        path = folder / (label.replace(" ", "_") + ".txt")
        path.write_text("\n".join(lines) + "\n")
        paths[label] = path
    return paths


def table(results, names, sequences, peers):
    lines = [f"{'tokenizer':<16}{'sequences':<14}{'dnalm':>10}" + "".join(f"{p:>20}{'times':>8}" for p in peers)]
    for name in names:
        for label in sequences:
            own = results[("dnalm", name, label)]
            row = f"{name:<16}{label:<14}{own:>10.1f}"
            for p in peers:
                row += f"{results[(p, name, label)]:>20.2f}{own / results[(p, name, label)]:>8.1f}"
            lines.append(row)
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--tokenizer", action="append", required=True)
    parser.add_argument("--fasta")
    add_options(parser)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    about = machine()
    pythons = versions(options.python)
    tokenizer_list = ",".join(options.tokenizer)
    names = [item.split("=", 1)[0] for item in options.tokenizer]
    raw = []
    with tempfile.TemporaryDirectory() as scratch:
        files = write_sequences(pathlib.Path(scratch), options.fasta, options.lengths.split(","))
        for number in range(options.rounds):
            some = [f"{label}={path}" for label, path in files.items() if number == 0 or "10M" not in label]
            for row in run([str(options.program.resolve()), tokenizer_list, *some]):
                raw.append({"who": "dnalm", "round": number, **json.loads(row)})
            for version, python in pythons.items():
                for row in run([python, __file__, "--peer", tokenizer_list, *some]):
                    raw.append({"who": version, "round": number, **json.loads(row)})
            print("round", number + 1, flush=True)
    results = {}
    for who in ["dnalm", *pythons]:
        for name in names:
            for label in files:
                rows = [r for r in raw if (r["who"], r["tokenizer"], r["sequences"]) == (who, name, label)]
                methods = {}
                for r in rows:
                    methods.setdefault(r.get("method", "encode"), []).append(r["bases"] / r["cpu_seconds"] / 1e6)
                results[(who, name, label)] = max(statistics.median(v) for v in methods.values())
                if len({r["tokens"] for r in raw if (r["tokenizer"], r["sequences"]) == (name, label)}) != 1:
                    raise SystemExit(f"numbers of tokens differ: {name}, {label}")
    lines = ["Byte pair encoding, one thread, million bases per CPU second; medians of "
             f"{options.rounds} rounds (10M: one round).",
             "Peers: the fastest of encode, encode_batch, encode_batch_fast. 'times': dnalm over that peer.",
             describe(about),
             "", *table(results, names, list(files), list(pythons))]
    summary = [{"who": w, "tokenizer": n, "sequences": s, "million_bases_per_cpu_second": round(v, 3)}
               for (w, n, s), v in results.items()]
    document = {"machine": about, "python": platform.python_version(), "rounds": options.rounds, "medians": summary, "raw": raw}
    write(options.out, "tokenize_bpe", lines, document)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--peer":
        peer(sys.argv[2:])
    else:
        main()
