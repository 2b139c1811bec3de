"""k-mers and single letters on one thread, dnalm beside Hugging Face tokenizers, in one run.

    python tokenize_letters.py --program dnalm_bench_tokenize_letters --out ../results [--python OTHER_PYTHON ...] [--rounds 5]
                               [--lengths 100,1k,100k,10M]

Each --python is an interpreter with another version of tokenizers; this one runs too. Every round starts each program anew, one
after the other, on the same random sequences. The peers get their text cut beforehand, which is not timed: overlapping k-mers
between blanks to WordLevel with WhitespaceSplit, letters between blanks to the pipeline of SpliceBERT's tokenizer.json
(BertNormalizer, BertPreTokenizer, WordPiece); of encode, encode_batch and encode_batch_fast the fastest counts. They have no
column at 10M: they keep several hundred bytes a token. Figures are medians over the rounds of bases per second of processor time,
system calls included (the machine may be busy).

`share` is the speed of dnalm over that of `copy`, which copies the ids from an old vector into a new one, reserved as the tokenizers
do it (large pages where the system gives them): the share of what memory allows to a tokenizer that returns its ids in new memory.
Copies of sequences up to 100k stay in the cache.

Writes tokenize_letters.json (all numbers) and tokenize_letters.txt (the table).
"""

import argparse
import itertools
import json
import pathlib
import platform
import random
import statistics
import sys
import tempfile
import time

from tokenize_shared import LENGTHS, add_options, describe, machine, run, versions, write

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PEERS = {"overlapping 3-mers (DNABERT)": 3, "overlapping 6-mers (DNABERT)": 6, "single nucleotides (SpliceBERT)": 1}


def peer_tokenizer(k):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    words = ["".join(p) for p in itertools.product("ATCG", repeat=k)] if k > 1 else list("NACGT")
    vocabulary = {word: i for i, word in enumerate(BERT + words)}
    if k > 1:
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    else:
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def peer(arguments):
    """The inner call: --peer LABEL=sequences ..."""
    for item in arguments:
        label, file = item.split("=", 1)
        lines = pathlib.Path(file).read_text().split()
        for name, k in PEERS.items():
            texts = [" ".join(line[i:i + k] for i in range(len(line) - k + 1)) for line in lines]
            for method in ("encode", "encode_batch", "encode_batch_fast"):
                tokenizer = peer_tokenizer(k)
                if not hasattr(tokenizer, method):
                    continue
                begin = time.process_time()
                if method == "encode":
                    tokens = sum(len(tokenizer.encode(text)) for text in texts)
                else:
                    tokens = sum(map(len, getattr(tokenizer, method)(texts)))
                seconds = time.process_time() - begin
                assert tokens == sum(len(line) - k + 3 for line in lines)
                print(json.dumps({"tokenizer": name, "sequences": label, "method": method,
                                  "speed": sum(map(len, lines)) / seconds / 1e6}), flush=True)


def own(program, label, file):
    rows = []
    for line in run([program, file, "3"]):
        name, what, _, *speeds = line.split("\t")
        rows += [{"tokenizer": name, "sequences": label, "method": what, "speed": float(speed)} for speed in speeds]
    return rows


def measure(options, pythons):
    raw = []
    with tempfile.TemporaryDirectory() as scratch:
        files = {}
        stream = random.Random(1)
        for label in options.lengths.split(","):
            length, count = LENGTHS[label]
            files[label] = pathlib.Path(scratch) / f"{label}.txt"
            files[label].write_text("\n".join("".join(stream.choices("ACGT", k=length)) for _ in range(count)) + "\n")
        for number in range(options.rounds):
            for label, file in files.items():
                raw += [{"who": "dnalm", "round": number, **row}
                        for row in own(str(options.program.resolve()), label, str(file))]
            items = [f"{label}={file}" for label, file in files.items() if label != "10M"]
            for version, python in pythons.items():
                raw += [{"who": version, "round": number, **json.loads(line)} for line in run([python, __file__, "--peer", *items])]
            print("round", number + 1, flush=True)
    return raw


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=pathlib.Path, required=True)
    add_options(parser)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    about = machine()
    pythons = versions(options.python)
    raw = measure(options, pythons)

    def median(who, name, label, method):
        values = [r["speed"] for r in raw if (r["who"], r["tokenizer"], r["sequences"], r["method"]) == (who, name, label, method)]
        return statistics.median(values) if values else None

    names = list(dict.fromkeys(r["tokenizer"] for r in raw if r["who"] == "dnalm"))
    lines = [f"k-mers and single letters, one thread, million bases per second of processor time; medians of {options.rounds} rounds.",
             "copy: the same ids copied into new memory; share: dnalm over copy; 'times': dnalm over that peer (text cut beforehand).",
             describe(about), "",
             f"{'tokenizer':<33}{'length':<8}{'dnalm':>8}{'copy':>9}{'share':>7}" + "".join(f"{p:>20}{'times':>8}" for p in pythons)]
    summary = []
    for name in names:
        for label in options.lengths.split(","):
            fast, copy = median("dnalm", name, label, "encode"), median("dnalm", name, label, "copy")
            row = f"{name:<33}{label:<8}{fast:>8.0f}{copy:>9.0f}{fast / copy:>7.2f}"
            entry = {"tokenizer": name, "sequences": label, "dnalm": round(fast, 1), "copy": round(copy, 1)}
            for version in pythons:
                values = [median(version, name, label, m) for m in ("encode", "encode_batch", "encode_batch_fast")]
                best = max((v for v in values if v), default=None)
                row += f"{best:>20.2f}{fast / best:>8.0f}" if best else f"{'-':>20}{'-':>8}"
                entry[version] = round(best, 3) if best else None
            lines.append(row.rstrip())
            summary.append(entry)
    document = {"machine": about, "python": platform.python_version(), "rounds": options.rounds,
                "unit": "million bases per second of processor time", "medians": summary, "raw": raw}
    write(options.out, "tokenize_letters", lines, document)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--peer":
        peer(sys.argv[2:])
    else:
        main()
