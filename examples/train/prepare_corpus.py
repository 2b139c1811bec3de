#!/usr/bin/env python3
"""Builds the pre-training corpus (yeast genome and human regulatory sequence) and its held-out parts.

Order of work
 1. Collect the test parts of every demonstration ("forbidden" sequences): WTC11 valid and test, one fifth of the
    CTCF and PU.1 peaks, all dev and test files of GUE, the BRCA1 context, the saturation-mutagenesis elements.
 2. Collect the candidates: the yeast genome in windows, the human sources.  Drop every candidate that shares a
    canonical 24-mer with a forbidden sequence.
 3. Give some candidates to the held-out sets of the language model (whole yeast chromosomes; human sequences by
    the hash of their name).
 4. From what is left drop every candidate that shares a canonical 24-mer with a held-out sequence, then near
    copies inside the corpus (a sequence half of whose 24-mers were already seen).  Windows of 606 bases that touch are joined in pairs at the end.

The result is one .npz file (base codes, offsets, species, part) and one JSON file with all counts.

    prepare_corpus.py --data DIR --out corpus.npz --stats corpus.json
"""
import argparse
import collections
import json
import pathlib

import numpy as np

import dnautil as du
import prepare_wtc11

SHORTEST = 60                       # bases; shorter pieces are not used
WINDOW = 606                        # long sequences are cut into windows of 606 bases
YEAST_VALID, YEAST_TEST = {"chrVI"}, {"chrIX"}
HUMAN_VALID, HUMAN_TEST = 0.02, 0.04
PEAK_SEED, PEAK_TEST = "dnalm-peaks-1", 0.20
LM_SEED = "dnalm-heldout-1"
NEAR_COPY = 0.5

PARTS = ["train", "valid", "test", "wtc11_test"]
SPECIES = ["yeast", "human"]


def peak_is_test(name):
    """The test part of the CTCF and PU.1 demonstrations: decided by the interval in the FASTA header."""
    return du.hash_fraction(f"{PEAK_SEED}:{name}") < PEAK_TEST


def windows(codes, size):
    """Cuts a long sequence into windows that do not overlap; a short rest joins the last window."""
    n = max(1, len(codes) // size)
    for i in range(n):
        yield i * size, codes[i * size:(i + 1) * size if i + 1 < n else len(codes)]


def collect(data):
    """-> forbidden {source: [codes]}, candidates [(source, species, name, codes)], WTC11 test sequences."""
    data = pathlib.Path(data)
    gue = data / "wds-seu__DeepGene" / "data" / "GUE"
    peaks = data / "bernardo-de-almeida__DeepSTARR" / "DeepSTARR" / "Neural_Network_DNA_Demo" / "data"
    forbidden, candidates = collections.OrderedDict(), []

    def add(source, species, name, codes):
        for start, piece in du.split_at_invalid(codes, SHORTEST):
            candidates.append((source, species, f"{name}:{start}", piece))

    def add_long(source, species, name, codes):
        for start, piece in du.split_at_invalid(codes, SHORTEST):
            for offset, window in windows(piece, WINDOW):
                candidates.append((source, species, f"{name}:{start + offset}", window))

    for name, codes in du.read_2bit(data / "jpaggi__labranchor" / "yeast" / "sacCer3.2bit"):
        add_long("sacCer3", "yeast", name, codes)

    wtc11_test = []
    for row in prepare_wtc11.build(data):
        codes = du.encode(row["sequence"])
        if row["split"] == "train":
            add("wtc11_train", "human", row["name"], codes)
        else:
            forbidden.setdefault("wtc11_" + row["split"], []).append(codes)
            if row["split"] == "test" and "_fwd" in row["name"] and "_copy" not in row["name"]:
                wtc11_test.append(("wtc11_test", "human", row["name"], codes))

    for label in ("ctcf", "pu1"):
        for name, codes in du.read_fasta(peaks / f"{label}.fa.gz"):
            if peak_is_test(name):
                forbidden.setdefault(f"{label}_test", []).append(codes)
            else:
                add(f"{label}_train", "human", name, codes)

    for task in ("tf/2", "prom/prom_300_tata", "splice/reconstructed"):
        for file in sorted((gue / task).glob("*.csv")):
            short = f"gue_{task.split('/')[0]}_{file.stem}"
            for i, codes in enumerate(du.read_csv_column(file, "sequence")):
                if file.stem == "train":
                    add(short, "human", f"{short}{i}", codes)
                else:
                    forbidden.setdefault(short, []).append(codes)

    for _, codes in du.read_fasta(data / "derived" / "brca1_hg19_chr17_41176312_41370000.fa"):
        forbidden.setdefault("brca1_context", []).append(codes)
    for _, codes in du.read_fasta(data / "derived" / "satmut_reference_elements_hg38.fa"):
        forbidden.setdefault("saturation_elements", []).append(codes)

    for _, codes in du.read_fasta(data / "calico__basenji" / "tutorials" / "data" / "gata4.fa"):
        add_long("gata4_hg19_chr8", "human", "gata4", codes)
    for name, codes in du.read_fasta(data / "Illumina__SpliceAI" / "tests" / "data" / "test.fa"):
        add_long("hg19_chr10", "human", name, codes)
    deepsea = data / "AIRI-Institute__GENA_LM" / "downstream_tasks" / "DeepSea" / "test.dataset.csv.gz"
    with du.open_text(deepsea) as handle:
        for i, line in enumerate(handle):
            add_long("deepsea", "human", f"deepsea{i}", du.encode(line.split(",", 1)[0].strip()))
    return forbidden, candidates, wtc11_test


def kmer_set(code_list):
    return np.unique(np.concatenate([du.canonical_kmers(c) for c in code_list] + [np.empty(0, np.int64)]))


def is_in(values, sorted_set):
    if not len(sorted_set):
        return np.zeros(len(values), bool)
    at = np.minimum(np.searchsorted(sorted_set, values), len(sorted_set) - 1)
    return sorted_set[at] == values


def held_out_part(source, species, name):
    if species == "yeast":
        chrom = name.split(":")[0]
        return "valid" if chrom in YEAST_VALID else "test" if chrom in YEAST_TEST else "train"
    if source == "wtc11_train":         # stays together: the demonstration trains on it
        return "train"
    u = du.hash_fraction(f"{LM_SEED}:{name}")
    return "valid" if u < HUMAN_VALID else "test" if u < HUMAN_VALID + HUMAN_TEST else "train"


def merge_neighbours(items, allowed):
    """Joins pairs of windows that touch in the genome, if the 24-mers over the joint are allowed as well."""
    at = {i[2]: i for i in items}
    used, out = set(), []
    for item in items:
        source, species, name, codes = item
        if name in used:
            continue
        chrom, start = name.rsplit(":", 1)
        partner = at.get(f"{chrom}:{int(start) + len(codes)}") if len(codes) >= WINDOW else None
        if partner is not None and partner[0] == source and partner[2] not in used:
            joint = np.concatenate([codes[-(du.K - 1):], partner[3][:du.K - 1]])
            if allowed(du.canonical_kmers(joint)):
                used.add(partner[2])
                item = (source, species, f"{name}+", np.concatenate([codes, partner[3]]))
        used.add(name)
        out.append(item)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--stats", required=True)
    args = parser.parse_args()

    forbidden, candidates, wtc11_test = collect(args.data)
    # per source and step: [sequences, bases]
    counts = collections.OrderedDict()

    def count(source, step, codes):
        entry = counts.setdefault(source, collections.OrderedDict()).setdefault(step, [0, 0])
        entry[0] += 1
        entry[1] += len(codes)

    print("forbidden:", {k: len(v) for k, v in forbidden.items()}, flush=True)
    banned = kmer_set([c for v in forbidden.values() for c in v])
    clean = []
    for item in candidates:
        source, species, name, codes = item
        count(source, "candidates", codes)
        if is_in(du.canonical_kmers(codes), banned).any():
            count(source, "dropped_shares_24mer_with_a_test_part", codes)
        else:
            clean.append(item)

    held = collections.defaultdict(list)
    rest = []
    held_seen = set()
    for item in clean:
        part = held_out_part(item[0], item[1], item[2])
        if part == "train":
            rest.append(item)
            continue
        kmers = set(du.canonical_kmers(item[3]).tolist())
        # near copies inside the held-out sets would make the error bars too narrow
        if len(kmers & held_seen) >= NEAR_COPY * len(kmers):
            count(item[0], "dropped_near_copy", item[3])
            continue
        held_seen |= kmers
        held[part].append(item)
    # the two held-out sets may not share a 24-mer either: test comes first
    test_kmers = kmer_set([i[3] for i in held["test"]])
    kept_valid = []
    for item in held["valid"]:
        if is_in(du.canonical_kmers(item[3]), test_kmers).any():
            count(item[0], "dropped_shares_24mer_with_held_out", item[3])
        else:
            kept_valid.append(item)
    held["valid"] = kept_valid
    held_kmers = kmer_set([i[3] for p in ("test", "valid") for i in held[p]])

    # the longest sequences first, so that of two near copies the longer one stays; ties keep the file order
    train, seen = [], set()
    for item in sorted(rest, key=lambda i: -len(i[3])):
        codes = item[3]
        kmers = du.canonical_kmers(codes)
        if is_in(kmers, held_kmers).any():
            count(item[0], "dropped_shares_24mer_with_held_out", codes)
            continue
        kmers = kmers.tolist()
        if sum(k in seen for k in kmers) >= NEAR_COPY * len(kmers):
            count(item[0], "dropped_near_copy", codes)
            continue
        seen.update(kmers)
        train.append(item)
    unmerged = len(train)
    train = merge_neighbours(train, lambda kmers: not (is_in(kmers, banned) | is_in(kmers, held_kmers)).any())
    seen.update(k for i in train if "+" in i[2] for k in du.canonical_kmers(i[3]).tolist())
    for part, items in (("train", train), ("valid", held["valid"]), ("test", held["test"])):
        for item in items:
            count(item[0], part, item[3])

    # last check, over everything that the model will see
    train_kmers = np.sort(np.fromiter(seen, np.int64, len(seen)))
    assert not is_in(banned, train_kmers).any() and not is_in(held_kmers, train_kmers).any()
    assert not is_in(kmer_set([i[3] for i in wtc11_test]), train_kmers).any()

    everything = [("train", i) for i in train] + [(p, i) for p in ("valid", "test") for i in held[p]] \
        + [("wtc11_test", i) for i in wtc11_test]
    np.savez_compressed(
        args.out,
        codes=np.concatenate([i[3] for _, i in everything]),
        offsets=np.concatenate([[0], np.cumsum([len(i[3]) for _, i in everything])]).astype(np.int64),
        part=np.array([PARTS.index(p) for p, _ in everything], np.uint8),
        species=np.array([SPECIES.index(i[1]) for _, i in everything], np.uint8),
        source=np.array([i[0] for _, i in everything]))
    totals = {}
    for part, item in everything:
        entry = totals.setdefault(part, {}).setdefault(item[1], [0, 0])
        entry[0] += 1
        entry[1] += len(item[3])
    stats = dict(
        note="every pair is [sequences, bases]",
        test_parts_of_demonstrations={k: [len(v), int(sum(map(len, v)))] for k, v in forbidden.items()},
        training_windows_before_joining_neighbours=unmerged,
        banned_24mers=int(len(banned)), training_24mers=int(len(train_kmers)),
        sources=counts, totals=totals,
        rules=dict(k=du.K, window=WINDOW, yeast_valid=sorted(YEAST_VALID),
                   yeast_test=sorted(YEAST_TEST), human_valid=HUMAN_VALID, human_test=HUMAN_TEST,
                   peak_seed=PEAK_SEED, peak_test=PEAK_TEST, held_out_seed=LM_SEED, near_copy=NEAR_COPY))
    with open(args.stats, "w") as handle:
        json.dump(stats, handle, indent=1)
        handle.write("\n")
    print(json.dumps(dict(sources=counts, totals=totals), indent=None))


if __name__ == "__main__":
    main()
