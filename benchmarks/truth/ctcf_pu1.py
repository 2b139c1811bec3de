#!/usr/bin/env python3
"""What ctcf_pu1.sh needs beside the programs: the table, the sequences of largest score, one table of all results.

    ctcf_pu1.py table  --data DIR --train N --out TABLE          CTCF and PU.1 peaks, with labels and a split
    ctcf_pu1.py motifs --motifs FILE --out FILE                  the motifs, and each of them read backwards
    ctcf_pu1.py best   --results DIR --model NAME                the layer with the largest AUROC on the test rows
    ctcf_pu1.py top    --results DIR --table TABLE --model NAME --layer K --target NAME --count N --out FASTA
    ctcf_pu1.py gather --folder DIR --out TSV                    all recovery tables in one

Standard library only.  Everything is drawn by SHA-256 of a peak's interval: no seed, no order.
"""
import argparse
import collections
import csv
import gzip
import hashlib
import pathlib

PEAKS = "bernardo-de-almeida__DeepSTARR/DeepSTARR/Neural_Network_DNA_Demo/data"
CLASSES = ["ctcf", "pu1"]


def share(salt, interval):
    """A number in [0, 1) that belongs to an interval."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{interval}".encode()).digest()[:8], "big") / 2 ** 64


def read_fasta(path):
    name = None
    with gzip.open(path, "rt") as handle:
        for line in handle:
            if line.startswith(">"):
                name = line[1:].strip()
            elif name:
                yield name, line.strip().upper()


def in_two_classes(peaks):
    """Names of peaks that overlap a peak of the other class."""
    places = collections.defaultdict(list)
    for kind, name, _ in peaks:
        chromosome, interval = name.split(":")
        start, end = (int(number) for number in interval.split("-"))
        places[chromosome].append((start, end, kind, name))
    found = set()
    for of_one in places.values():
        of_one.sort()
        for i, (_, end, kind, name) in enumerate(of_one):
            for start, _, other_kind, other in of_one[i + 1:]:
                if start >= end:
                    break
                if other_kind != kind:
                    found.update([name, other])
    return found


def make_table(args):
    """test: the part that the bundled models have not seen (their card says how it is drawn); of the rest one in ten
    is valid, and train the --train peaks of each class with the smallest number."""
    folder = pathlib.Path(args.data) / PEAKS
    peaks = [(kind, name, letters) for kind in CLASSES for name, letters in read_fasta(folder / f"{kind}.fa.gz")]
    ambiguous = in_two_classes(peaks)
    parts = collections.defaultdict(list)
    for kind, name, letters in peaks:
        if name in ambiguous:
            continue
        if share("dnalm-peaks-1", name) < 0.20:
            part = "test"
        else:
            part = "valid" if share("dnalm-peaks-valid-1", name) < 0.10 else "train"
        parts[kind, part].append((share("dnalm-peaks-train-1", name), name, letters))
    with open(args.out, "w") as out:
        out.write("name\tsequence\tlabel.ctcf\tlabel.pu1\tsplit\n")
        for (kind, part), rows in sorted(parts.items()):
            most = {"train": args.train, "valid": args.train // 10, "test": len(rows)}[part]
            for _, name, letters in sorted(rows)[:most]:
                out.write(f"{name}\t{letters}\t{int(kind == 'ctcf')}\t{int(kind == 'pu1')}\t{part}\n")
            print(f"# {kind} {part}: {min(most, len(rows))} of {len(rows)}")
    print(f"# left out, as they overlap a peak of the other class: {len(ambiguous)}")


def add_backwards(args):
    """A motif read backwards on the same strand has its letters and its information, and is no motif."""
    text = pathlib.Path(args.motifs).read_text()
    backwards = []
    for line in text.splitlines():
        if line.startswith(">"):
            name, alternate = line[1:].split()
            backwards.append(f">{name}-backwards {alternate}-backwards")
        elif line and not line.startswith("#"):
            letter, counts = line.split("[")
            backwards.append(f"{letter}[ {' '.join(reversed(counts.strip(' ]').split()))} ]")
    pathlib.Path(args.out).write_text(text + "\n".join(backwards) + "\n")


def read_tsv(path):
    with open(path) as handle:
        return list(csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t"))


def print_best(args):
    rows = [row for row in read_tsv(pathlib.Path(args.results) / "results.tsv")
            if row["model"] == args.model and row["metric"] == "auroc" and row["target"] == "ctcf"]
    print(max(rows, key=lambda row: float(row["value"]))["layer"])


def write_top(args):
    letters = {row["name"]: row["sequence"] for row in read_tsv(args.table)}
    rows = [row for row in read_tsv(pathlib.Path(args.results) / "predictions.tsv")
            if (row["model"], row["layer"], row["target"]) == (args.model, args.layer, args.target)]
    rows.sort(key=lambda row: (-float(row["prediction"]), row["name"]))
    with open(args.out, "w") as out:
        for row in rows[:args.count]:
            out.write(f">{row['name']}\n{letters[row['name']]}\n")
    of_class = sum(float(row["label"]) for row in rows[:args.count])
    print(f"# {args.model}, {args.target}: {of_class:.0f} of the {args.count} of largest score are {args.target} peaks")


def gather(args):
    """Files are named <model>.<class>.<method>.tsv."""
    header = None
    lines = []
    for path in sorted(pathlib.Path(args.folder).glob("*.*.*.tsv")):
        model, kind, method = path.name[:-len(".tsv")].split(".")
        for row in read_tsv(path):
            header = header or ["model", "top", "method"] + list(row)
            lines.append([model, kind, method] + list(row.values()))
    with open(args.out, "w") as out:
        for line in [header] + lines:
            out.write("\t".join(line) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    for name, body, options in [
            ("table", make_table, ["data", "train", "out"]), ("motifs", add_backwards, ["motifs", "out"]),
            ("best", print_best, ["results", "model"]),
            ("top", write_top, ["results", "table", "model", "layer", "target", "count", "out"]),
            ("gather", gather, ["folder", "out"])]:
        part = parts.add_parser(name)
        part.set_defaults(body=body)
        for option in options:
            part.add_argument("--" + option, required=True, type=int if option in ("train", "count") else str)
    args = parser.parse_args()
    args.body(args)


if __name__ == "__main__":
    main()
