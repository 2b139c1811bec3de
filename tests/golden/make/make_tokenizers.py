"""Write vocabularies, tokenizer files and what the Hugging Face tokenizers make of 100,000 random sequences.

    python make_tokenizers.py --dnabert2-tokenizer tokenizer.json --licence LICENSE --out .. [--wtc11 wtc11.tsv.gz]

Letters are taken literally (no case folding): these are goldens of the library's `literal` policy.

The random sequences, exactly (all arithmetic modulo 2^64):

  GOLDEN = 0x9E3779B97F4A7C15
  next(state):  state += GOLDEN;  z = state
                z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
                z = (z ^ (z >> 27)) * 0x94D049BB133111EB
                return z ^ (z >> 31)                              # SplitMix64

  sequence(index):
    state = SEED + index * GOLDEN ;  state = next(state)          # the first output becomes the state
    a = next() ;  b = next()
    count = 1 + a % 3000  if b % 64 == 0  else  1 + a % 600       # number of items, not of characters
    class = index % 8
    class 7:  repeat until `count` letters are out: u = 1 + next() % 6 ; u letters "ACGT"[next() & 3] ; run = 1 + next() % 100 ;
              put out `run` letters of the unit, cyclically from its first (cut at `count`)
    others:   for i = 0 .. count-1:  r = next()
              item = "ACGT"[r & 3] ;  s = r >> 2 ;  t = r >> 32
              class 0:  item
              class 1:  item = "N"                          if s % 20 == 0
              class 2:  if i % 16 == 0: lower = (t % 4 == 0) ; item is put in lower case while `lower` holds
              class 3:  item = OTHER[t % len(OTHER)]        if s % 25 == 0
              class 4:  item = SPECIAL[t % len(SPECIAL)]    if s % 40 == 0
              class 5:  item = SPACE[t % len(SPACE)]        if s % 30 == 0
              class 6:  m = s % 100:  m == 0: OTHER ; m == 1: SPECIAL ; m == 2: SPACE ; m == 3: lower-case letter ; m in 4,5: "N"
                        (the same t and the same tables)
              put out item

A hash of numbers is the low 32 bits of FNV-1a-64 over them, each as 4 little-endian bytes (offset basis 0xCBF29CE484222325,
prime 0x100000001B3). Number b of a file of hashes stands for the sequences BLOCK b to BLOCK (b + 1) - 1 (the last block may be
shorter): it is the hash of the hashes of their ids, special tokens included as the tokenizer adds them.
"""

import argparse
import gzip
import hashlib
import itertools
import json
import pathlib
import re
import shutil

import numpy as np
import tokenizers
import transformers

GOLDEN = 0x9E3779B97F4A7C15
MASK64 = 2**64 - 1
SEED = 20240607
COUNT = 100_000
BLOCK = 20
SHOWN = 200
OTHER = "RYKMSWBDHVUX-*.0123456789_acgtn?"
SPECIAL = ["<mask>", "<cls>", "<unk>", "<pad>", "<eos>", "<bos>", "[MASK]", "[SEP]", "[CLS]", "[PAD]", "[UNK]"]
SPACE = [" ", "\t", "\n", "  "]

VOCABULARY_SHA256 = {"nt_v1": "f1b544e2", "nt_v2": "c00e0ad1"}


# --- the generator ----------------------------------------------------------------------------------------------------

def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
    return z ^ (z >> 31)


class Stream:
    def __init__(self, index):
        self.state = mix((SEED + (index + 1) * GOLDEN) & MASK64)

    def next(self):
        self.state = (self.state + GOLDEN) & MASK64
        return mix(self.state)

    def many(self, n):
        z = np.uint64(self.state) + np.uint64(GOLDEN) * np.arange(1, n + 1, dtype=np.uint64)
        self.state = (self.state + n * GOLDEN) & MASK64
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def repeats(stream, count):
    letters = []
    while len(letters) < count:
        unit = ["ACGT"[stream.next() & 3] for _ in range(1 + stream.next() % 6)]
        run = 1 + stream.next() % 100
        letters += itertools.islice(itertools.cycle(unit), run)
    return "".join(letters[:count])


def random_sequence(index):
    stream = Stream(index)
    a, b = stream.next(), stream.next()
    count = 1 + a % 3000 if b % 64 == 0 else 1 + a % 600
    kind = index % 8
    if kind == 7:
        return repeats(stream, count)
    draws = stream.many(count)
    items = np.array(list("ACGT"))[(draws & np.uint64(3)).astype(int)].tolist()
    if kind == 0:
        return "".join(items)
    s, t = (draws >> np.uint64(2)).tolist(), (draws >> np.uint64(32)).tolist()
    lower = False
    for i in range(count):
        if kind == 1:
            if s[i] % 20 == 0:
                items[i] = "N"
        elif kind == 2:
            if i % 16 == 0:
                lower = t[i] % 4 == 0
            if lower:
                items[i] = items[i].lower()
        elif kind == 3:
            if s[i] % 25 == 0:
                items[i] = OTHER[t[i] % len(OTHER)]
        elif kind == 4:
            if s[i] % 40 == 0:
                items[i] = SPECIAL[t[i] % len(SPECIAL)]
        elif kind == 5:
            if s[i] % 30 == 0:
                items[i] = SPACE[t[i] % len(SPACE)]
        else:
            m = s[i] % 100
            if m == 0:
                items[i] = OTHER[t[i] % len(OTHER)]
            elif m == 1:
                items[i] = SPECIAL[t[i] % len(SPECIAL)]
            elif m == 2:
                items[i] = SPACE[t[i] % len(SPACE)]
            elif m == 3:
                items[i] = items[i].lower()
            elif m in (4, 5):
                items[i] = "N"
    return "".join(items)


# --- hashes -----------------------------------------------------------------------------------------------------------

def fnv1a(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & MASK64
    return h


def hashes(id_lists):
    """FNV-1a-64 of many id lists at once: sorted by length, one byte of every list that is still running at a time."""
    lengths = np.array([len(ids) for ids in id_lists])
    order = np.argsort(-lengths, kind="stable")
    h = np.full(len(id_lists), 0xCBF29CE484222325, np.uint64)
    for start in range(0, len(order), 4096):
        rows = order[start:start + 4096]
        table = np.zeros((len(rows), lengths[rows[0]]), np.uint32)
        for r, i in enumerate(rows):
            table[r, :lengths[i]] = id_lists[i]
        data = table.astype("<u4").view(np.uint8).reshape(len(rows), -1)
        alive, value = len(rows), h[rows]
        for column in range(data.shape[1]):
            while alive and 4 * lengths[rows[alive - 1]] <= column:
                alive -= 1
            value[:alive] = (value[:alive] ^ data[:alive, column]) * np.uint64(0x100000001B3)
        h[rows] = value
    return h


def block_hashes(id_lists, block=BLOCK):
    """The hash of the hashes of every `block` id lists."""
    single = (hashes(id_lists) & np.uint64(0xFFFFFFFF)).tolist()
    blocks = [single[first:first + block] for first in range(0, len(single), block)]
    return (hashes(blocks) & np.uint64(0xFFFFFFFF)).astype("<u4")


# --- tokenizer files --------------------------------------------------------------------------------------------------

def write_nucleotide_transformer(folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    kmers = ["".join(p) for p in itertools.product("ATCG", repeat=6)]
    if name == "nt_v1":
        lines = ["<unk>", "<pad>", "<mask>", "<cls>"] + kmers + list("ATCGN") + ["<eos>", "<bos>"]
    else:
        lines = ["<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>"] + kmers + list("ATCGN")
    text = "\n".join(lines)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest.startswith(VOCABULARY_SHA256[name]), digest
    (folder / "vocab.txt").write_text(text)
    config = {"clean_up_tokenization_spaces": True, "eos_token": None, "model_max_length": 1000 if name == "nt_v1" else 2048,
              "tokenizer_class": "EsmTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    tokens = {"cls_token": "<cls>", "mask_token": "<mask>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(tokens, indent=2) + "\n")


def write_dnabert2(folder, tokenizer, licence):
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    shutil.copyfile(licence, folder / "LICENSE")
    assert hashlib.sha256(tokenizer.read_bytes()).hexdigest().startswith("5d178e8c")
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
              "pad_token": "[PAD]", "mask_token": "[MASK]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "NOTICE").write_text(
        "tokenizer.json and tokenizer_config.json are the tokenizer of DNABERT-2, unchanged.\n\n"
        "Origin:  https://huggingface.co/zhihan1996/DNABERT-2-117M and https://github.com/MAGICS-LAB/DNABERT_2\n"
        "Authors: Zhihan Zhou, Yanrong Ji, Weijian Li, Pratik Dutta, Ramana Davuluri, Han Liu\n"
        "Paper:   DNABERT-2: Efficient Foundation Model and Benchmark For Multi-Species Genome (ICLR 2024)\n"
        "Licence: Apache License 2.0 (file LICENSE)\n"
        "sha256 of tokenizer.json: 5d178e8ce2ba55df97fff197f4b30f40133b95d7096be398c2df6b526c5d8cd3\n")


# --- an independent statement of the NT rule, to be sure what the goldens say -------------------------------------------

def simple_nucleotide_transformer(vocabulary):
    table = {token: i for i, token in enumerate(vocabulary)}
    named = "|".join(re.escape(token) for token in vocabulary if token.startswith("<"))
    pattern = re.compile(rf"{named}|[ACGT]{{6}}|[ACGTN]|\s+|(?:(?!{named}|[ACGTN\s]).)+", re.S)

    def encode(text):
        found = (m for m in pattern.findall(text) if not m.isspace())
        return [table["<cls>"]] + [table.get(m, 0) for m in found]
    return encode


# --- running ----------------------------------------------------------------------------------------------------------

def escape(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def encode_all(encoders, sequences):
    return {name: [encode(s) for s in sequences] for name, encode in encoders.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dnabert2-tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--licence", type=pathlib.Path, required=True, help="text of the Apache License 2.0")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--wtc11", type=pathlib.Path)
    options = parser.parse_args()

    folder = options.out / "tokenizers"
    dnabert2 = options.out / "third_party" / "dnabert2"
    write_dnabert2(dnabert2, options.dnabert2_tokenizer, options.licence)
    encoders = {}
    for name in ("nt_v1", "nt_v2"):
        write_nucleotide_transformer(folder / name, name)
        tokenizer = transformers.EsmTokenizer.from_pretrained(folder / name)
        assert tokenizer.eos_token is None and tokenizer("A")["input_ids"][-1] != 4 + (name == "nt_v1") * 4101
        encoders[name] = lambda s, t=tokenizer: t(s)["input_ids"]
    fast = transformers.PreTrainedTokenizerFast.from_pretrained(dnabert2)
    encoders["dnabert2"] = lambda s: fast(s)["input_ids"]

    transformers.logging.set_verbosity_error()
    sequences = [random_sequence(i) for i in range(COUNT)]
    text_hash = fnv1a(b"".join(s.encode() + b"\0" for s in sequences[:1000]))
    ids = encode_all(encoders, sequences)
    for name in ("nt_v1", "nt_v2"):
        simple = simple_nucleotide_transformer((folder / name / "vocab.txt").read_text().split("\n"))
        different = [i for i in range(COUNT) if simple(sequences[i]) != ids[name][i]]
        print(name, "differs from the simple rule in", len(different), "sequences", different[:10])
    for name in encoders:
        block_hashes(ids[name]).tofile(folder / f"{name}.hash.bin")
    for i in (0, 5, 77):
        for name in encoders:
            assert int(hashes([ids[name][i]])[0]) == fnv1a(np.array(ids[name][i], "<u4").tobytes())

    with open(folder / "first200.tsv", "w", newline="\n") as out:
        out.write("index\tsequence\t" + "\t".join(encoders) + "\n")
        for i in range(SHOWN):
            columns = [",".join(map(str, ids[name][i])) for name in encoders]
            out.write("\t".join([str(i), escape(sequences[i])] + columns) + "\n")

    meta = {"count": COUNT, "seed": SEED, "other": OTHER, "special": SPECIAL, "space": SPACE,
            "hash": "low 32 bits of FNV-1a-64 of the ids as little-endian uint32; file: little-endian uint32, the hash of the "
                    "hashes of each block of sequences", "block": BLOCK,
            "fnv1a64_of_first_1000_sequences_each_followed_by_a_zero_byte": f"{text_hash:016x}",
            "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}}
    if options.wtc11:
        with gzip.open(options.wtc11, "rt") as lines:
            rows = [line.rstrip("\n").split("\t") for line in lines]
        column = rows[0].index("sequence")
        real = [row[column] for row in rows[1:]]
        for name, lists in encode_all(encoders, real).items():
            block_hashes(lists).tofile(folder / f"wtc11.{name}.hash.bin")
        meta["wtc11"] = {"rows": len(real), "key": "row of wtc11.tsv.gz after the header, from 0",
                         "sha256_of_sequences": hashlib.sha256("\n".join(real).encode()).hexdigest()}
    (folder / "META.json").write_text(json.dumps(meta, indent=2) + "\n")


if __name__ == "__main__":
    main()
