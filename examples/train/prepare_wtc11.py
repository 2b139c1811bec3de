#!/usr/bin/env python3
"""Builds examples/data/wtc11.tsv.gz from the two published WTC11 lentiMPRA tables.

The two tables are taken as one data set.  The constant 15-bp adapters are cut off.  Elements that share a
canonical 24-mer (either strand) belong to one group, directly or over other elements, and a whole group goes to
one split.

    prepare_wtc11.py --data DIR --out examples/data/wtc11.tsv.gz --stats examples/data/wtc11_stats.json
"""
import argparse
import collections
import csv
import gzip
import io
import json
import pathlib

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

import dnautil as du

LEFT, RIGHT = "AGGACCGGATCAACT", "CATTGCGTGAACCGA"
FILES = ["WTC11_test.tsv", "WTC11_valid.tsv"]
SEED = "dnalm-wtc11-1"
TRAIN, VALID = 0.70, 0.10       # the rest is test
GIANT = 0.01                    # a group with more than this share of all rows goes to train


def load(data):
    folder = pathlib.Path(data) / "autosome-ru__human_legnet" / "tutorial" / "dataset"
    rows = []
    for name in FILES:
        with open(folder / name) as handle:
            for row in csv.DictReader(handle, delimiter="\t"):
                seq = row["seq"]
                if not (len(seq) == 230 and seq.startswith(LEFT) and seq.endswith(RIGHT)):
                    raise SystemExit(f"{name}: a row without the two adapters: {seq}")
                core = seq[len(LEFT):-len(RIGHT)]
                if set(core) - set("ACGT"):
                    raise SystemExit(f"{name}: a letter other than A, C, G, T: {core}")
                rows.append((core, row["mean_value"], name))
    return rows


def clusters(code_list):
    """Connected components of 'shares a canonical 24-mer', numbered by first appearance."""
    kmers = [np.unique(du.canonical_kmers(c)) for c in code_list]
    owner = np.repeat(np.arange(len(kmers)), [len(k) for k in kmers])
    flat = np.concatenate(kmers)
    order = np.argsort(flat, kind="stable")
    flat, owner = flat[order], owner[order]
    same = flat[1:] == flat[:-1]
    a, b = owner[:-1][same], owner[1:][same]
    n = len(code_list)
    _, label = connected_components(coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(n, n)), directed=False)
    seen = {}
    return [seen.setdefault(x, len(seen) + 1) for x in label]


def build(data):
    """Rows of the table: dicts with name, sequence, label, split, group, origin."""
    rows = load(data)
    codes = [du.encode(r[0]) for r in rows]
    group = clusters(codes)
    size = collections.Counter(group)
    split = {}
    for g, n in size.items():
        u = du.hash_fraction(f"{SEED}:G{g:04d}")
        split[g] = "train" if n > GIANT * len(rows) or u < TRAIN else "valid" if u < TRAIN + VALID else "test"
    # An element is a sequence up to its strand; the orientation met first in the tables is called fwd.
    element, table, used = {}, [], collections.Counter()
    for (core, label, origin), c, g in zip(rows, codes, group):
        rc = du.decode(du.reverse_complement(c))
        key = min(core, rc)
        if key not in element:
            element[key] = (len(element) + 1, core)
        number, first = element[key]
        name = f"WTC11_{number:04d}_{'fwd' if core == first else 'rev'}"
        used[name] += 1
        if used[name] > 1:
            name += f"_copy{used[name]}"
        table.append(dict(name=name, sequence=core, label=label, split=split[g], group=f"G{g:04d}", origin=origin))
    return table


def statistics(table):
    element = lambda row: row["name"].split("_")[1]
    size = collections.Counter(r["group"] for r in table)
    orientations, members, origins = (collections.defaultdict(set) for _ in range(3))
    for r in table:
        orientations[element(r)].add(r["name"].split("_")[2])
        members[r["group"]].add(element(r))
        origins[r["group"]].add(r["origin"])
    splits = {}
    for s in ("train", "valid", "test"):
        part = [r for r in table if r["split"] == s]
        splits[s] = dict(rows=len(part), elements=len({element(r) for r in part}),
                         groups=len({r["group"] for r in part}))
    return dict(
        rows=len(table), rows_by_file=dict(collections.Counter(r["origin"] for r in table)),
        elements=len(orientations), elements_in_both_orientations=sum(len(v) == 2 for v in orientations.values()),
        groups=len(size), groups_with_one_element=sum(len(v) == 1 for v in members.values()),
        groups_across_both_files=sum(len(v) == 2 for v in origins.values()),
        largest_groups_rows=[n for _, n in size.most_common(5)],
        groups_sent_to_train_for_their_size=sum(n > GIANT * len(table) for n in size.values()),
        splits=splits, seed=SEED)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder with autosome-ru__human_legnet/")
    parser.add_argument("--out", required=True)
    parser.add_argument("--stats", required=True)
    args = parser.parse_args()
    table = build(args.data)
    columns = ["name", "sequence", "label", "split", "group"]
    text = io.StringIO()
    text.write("\t".join(columns) + "\n")
    for r in table:
        text.write("\t".join(r[c] for c in columns) + "\n")
    # no time stamp and no file name in the gzip header, so that the bytes can be repeated
    with open(args.out, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as handle:
        handle.write(text.getvalue().encode())
    stats = statistics(table)
    with open(args.stats, "w") as handle:
        json.dump(stats, handle, indent=1)
        handle.write("\n")
    print(json.dumps(stats, indent=1))


if __name__ == "__main__":
    main()
