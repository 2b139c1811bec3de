"""Write the sites that FIMO (MEME suite) finds, with the motifs and the sequence it searched.

    python make_motifs.py --out ../motifs      # pymemesuite 0.1.0a4: FIMO of the MEME suite 5
"""

import argparse
import json
import pathlib
import random

import pymemesuite
from pymemesuite.common import Array, MotifFile, Sequence
from pymemesuite.fimo import FIMO


def counts(seed, width):
    g = random.Random(seed)
    columns = []
    for _ in range(width):
        column = [g.randrange(4) for _ in range(4)]
        column[g.randrange(4)] += 20 + g.randrange(30)
        columns.append(column)
    return columns


def meme_text(motifs, background):
    lines = ["MEME version 4", "", "ALPHABET= ACGT", "", "strands: + -", "", "Background letter frequencies",
             " ".join(f"{a} {b}" for a, b in zip("ACGT", background)), ""]
    for name, columns in motifs:
        total = sum(columns[0])
        lines += [f"MOTIF {name}", f"letter-probability matrix: alength= 4 w= {len(columns)} nsites= {total} E= 0"]
        lines += [" ".join(f"{c / sum(column):.8f}" for c in column) for column in columns] + [""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    background = [0.3, 0.2, 0.2, 0.3]
    # FIMO takes the background that the reader has, not the one of this header.
    (out / "fimo.meme").write_text(meme_text([("narrow", counts(1, 6)), ("wide", counts(2, 11))], background))
    g = random.Random(3)
    letters = "".join(g.choice("ACGT") for _ in range(6000))
    hits = []
    with MotifFile(str(out / "fimo.meme")) as file:
        frequencies = file.background
        for motif in file:
            name = motif.accession.decode()
            fimo = FIMO(both_strands=True, threshold=2e-3 if name == "narrow" else 3e-4)
            for m in fimo.score_motif(motif, [Sequence(letters, name=b"s")], frequencies).matched_elements:
                hits.append([name, min(m.start, m.stop) - 1, m.strand, m.score, m.pvalue])
    hits.sort(key=lambda hit: (hit[0], hit[1], hit[2]))
    document = {"pymemesuite": pymemesuite.__version__, "background": list(frequencies.frequencies), "sequence": letters, "hits": hits}
    (out / "fimo.json").write_text(json.dumps(document) + "\n")
    print(len(hits), "sites")


main()
