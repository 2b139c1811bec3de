"""The dinucleotide cases of bench_shuffle by dinuc-shuf (uniform, one-hot input and output): shuffle_dinuc.py ours.json"""

import json
import pathlib
import sys
import time

import common
import numpy as np


def one_hot(length):
    """(length, 4) uint8, the letters of bench_shuffle.cpp."""
    x = np.arange(length, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(0x5EED)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return np.eye(4, dtype=np.uint8)[(x >> np.uint32(16)) & np.uint32(3)]


def timed(work, repeats):
    work()
    start = time.perf_counter()
    work()
    inner = max(1, round(2e-2 / max(time.perf_counter() - start, 1e-7)))
    wall, cpu = [], []
    for _ in range(repeats):
        w, c = time.perf_counter(), time.process_time()
        for _ in range(inner):
            work()
        wall.append((time.perf_counter() - w) / inner)
        cpu.append((time.process_time() - c) / inner)
    return wall, cpu


def main():
    from dinuc_shuf import shuffle

    rows = []
    for ours in json.loads(pathlib.Path(sys.argv[1]).read_text())["rows"]:
        if ours["k"] != 2:
            continue
        batch = np.repeat(one_hot(ours["letters"])[None], ours["replicates"], axis=0)
        rng = np.random.default_rng(1)
        times = timed(lambda: shuffle(batch, rng=rng), len(ours["wall_seconds"]))
        rows.append(common.row(ours["case"], "dinuc-shuf", 1, ours["work"], times, unit="letter"))
    common.finish("shuffle_dinuc.py", None, rows, ["dinuc-shuf", "numpy"])


common.run("shuffle_dinuc.py", main)
