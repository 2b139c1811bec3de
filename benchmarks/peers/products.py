"""What the peers of bench_linear share: the cases come from its output, so that they are the same."""

import json
import math
import pathlib
import sys
import time

import common


def cases():
    """(case, format, m, n, k, threads) of dnalm's rows on the best instruction set."""
    for row in json.loads(pathlib.Path(sys.argv[1]).read_text())["rows"]:
        fmt = row["case"].split("/")[1]
        if row["who"] == "dnalm" and fmt in ("f32", "bf16") and row["case"].startswith("linear/"):
            yield row["case"], fmt, row["m"], row["n"], row["k"], row["threads"]


def timed(product, repeats=11, target=4e-3, whole=0.3):
    """Seconds of one product in each repetition of several; one thread: processor time, else wall time says more.

    As many repetitions as bench_linear makes: at least so many, and until so many seconds have gone by.
    """
    product()
    start = time.perf_counter()
    product()
    inner = max(1, math.ceil(target / max(time.perf_counter() - start, 1e-7)))
    wall, cpu = [], []
    begin = time.perf_counter()
    while len(wall) < repeats or time.perf_counter() - begin < whole:
        w, c = time.perf_counter(), time.process_time()
        for _ in range(inner):
            product()
        wall.append((time.perf_counter() - w) / inner)
        cpu.append((time.process_time() - c) / inner)
    return wall, cpu


def result(case, who, m, n, k, threads, times):
    """One product of M rows shared by the threads is 1 / threads of what dnalm's threads do together."""
    wall, cpu = times
    return common.row(case, who, threads, 2 * m * n * k, (wall, [c / threads for c in cpu]))
