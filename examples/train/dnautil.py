"""Small helpers shared by the scripts of this folder: readers, k-mers, hashing, the 6-mer vocabulary.

Base codes follow the vocabulary of the Nucleotide Transformer: A=0, T=1, C=2, G=3.  With this order the
complement of code c is c ^ 1, and the token id of a 6-mer is 6 + its value as a base-4 number.
"""
import csv
import gzip
import hashlib
import struct

import numpy as np

BASES = "ATCG"
K = 24                      # length of the k-mers that decide whether two sequences are related
FIRST_KMER_ID = 6           # ids 0..5 are <unk> <pad> <mask> <cls> <eos> <bos>
NUM_KMERS = 4096
FIRST_SINGLE_ID = FIRST_KMER_ID + NUM_KMERS   # A T C G N as single letters
MASK_ID, CLS_ID, PAD_ID = 2, 3, 1
VOCAB_SIZE = 4107
INVALID = 4                 # code of any letter that is not A, C, G or T

_CODE = np.full(256, INVALID, np.uint8)
for _i, _b in enumerate(BASES):
    _CODE[ord(_b)] = _CODE[ord(_b.lower())] = _i


def encode(text):
    """Letters to codes 0..3; everything else becomes INVALID.  Lower case counts as upper case."""
    return _CODE[np.frombuffer(text.encode("ascii"), np.uint8)]


def decode(codes):
    return "".join("ATCGN"[c] for c in codes)


def reverse_complement(codes):
    return np.where(codes < 4, codes ^ 1, codes)[::-1]


def canonical_kmers(codes, k=K):
    """Canonical k-mers (the smaller of the two strands) as int64; k-mers with an invalid letter are left out."""
    n = len(codes) - k + 1
    if n <= 0:
        return np.empty(0, np.int64)
    bad = codes >= 4
    value = np.where(bad, 0, codes).astype(np.int64)
    fwd = np.zeros(n, np.int64)
    rev = np.zeros(n, np.int64)
    for i in range(k):
        fwd |= value[i:i + n] << (2 * (k - 1 - i))
        rev |= (value[i:i + n] ^ 1) << (2 * i)
    csum = np.concatenate([[0], np.cumsum(bad)])
    return np.minimum(fwd, rev)[csum[k:] == csum[:-k]]


def hash_fraction(text):
    """A number in [0, 1) that depends on nothing but the text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2.0 ** 64


def open_text(path):
    path = str(path)
    return gzip.open(path, "rt") if path.endswith(".gz") else open(path)


def read_fasta(path):
    """Yields (first word of the header, codes)."""
    name, parts = None, []
    with open_text(path) as handle:
        for line in handle:
            line = line.strip()
            if line.startswith(">"):
                if name is not None:
                    yield name, encode("".join(parts))
                name, parts = (line[1:].split() or [""])[0], []
            elif line:
                parts.append(line)
    if name is not None:
        yield name, encode("".join(parts))


def read_csv_column(path, column):
    with open_text(path) as handle:
        for row in csv.DictReader(handle):
            yield encode(row[column])


def read_2bit(path):
    """Yields (name, codes) of every sequence of a .2bit file.  Runs of N become INVALID."""
    data = open(path, "rb").read()
    for order in "<>":
        signature, _, count, _ = struct.unpack_from(order + "4I", data, 0)
        if signature == 0x1A412743:
            break
    else:
        raise ValueError(f"{path}: not a .2bit file")
    # 2bit stores T=0 C=1 A=2 G=3, four bases per byte, the first base in the top bits
    table = np.array([encode("".join("TCAG"[(v >> s) & 3] for s in (6, 4, 2, 0))) for v in range(256)])
    index, entries = 16, []
    for _ in range(count):
        length = data[index]
        name = data[index + 1:index + 1 + length].decode()
        (offset,) = struct.unpack_from(order + "I", data, index + 1 + length)
        entries.append((name, offset))
        index += length + 5
    for name, offset in entries:
        def words(n):
            nonlocal offset
            out = np.frombuffer(data, order + "u4", n, offset)
            offset += 4 * n
            return out
        size = int(words(1)[0])
        n_blocks = int(words(1)[0])
        n_start, n_size = words(n_blocks), words(n_blocks)
        mask_blocks = int(words(1)[0])
        words(2 * mask_blocks + 1)          # soft-masking, then one reserved word
        packed = np.frombuffer(data, np.uint8, (size + 3) // 4, offset)
        codes = table[packed].reshape(-1)[:size].copy()
        for s, n in zip(n_start, n_size):
            codes[s:s + n] = INVALID
        yield name, codes


def split_at_invalid(codes, shortest):
    """The stretches of plain A, C, G, T that have at least `shortest` bases, as (start, codes)."""
    good = np.concatenate([[False], codes < 4, [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(good))
    for a, b in zip(edges[::2], edges[1::2]):
        if b - a >= shortest:
            yield int(a), codes[a:b]


def vocabulary():
    """The 4107 tokens of the Nucleotide Transformer v2 in the order of their ids."""
    words = [""]
    for _ in range(6):
        words = [w + b for w in words for b in BASES]
    return ["<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>"] + words + list("ATCGN")


_POWERS = 4 ** np.arange(5, -1, -1)


def sixmer_ids(codes):
    """Token ids of the whole 6-mers of a sequence without invalid letters (no <cls>, the rest is cut)."""
    n = len(codes) // 6
    return FIRST_KMER_ID + codes[:6 * n].reshape(n, 6).astype(np.int64) @ _POWERS
