"""The cases of bench_long_convolution by torch.fft and scipy.fft in float32: long_convolution.py ours.json

Channels along the first axis, so that a transform's numbers lie beside each other; the filter's transform is kept.
Transforms of twice the length and of the next fast length from 2 L - 1 on are tried; the fastest counts.
"""

import json
import pathlib
import sys
import time

import common
import numpy as np


def noise(rows, channels, salt):
    """(channels, rows), as in bench_long_convolution.cpp."""
    x = (np.arange(rows, dtype=np.uint32)[None] * np.uint32(0x9E3779B9) +
         np.arange(channels, dtype=np.uint32)[:, None] * np.uint32(0x85EBCA6B) + np.uint32(salt))
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return (x.astype(np.float64) / 2**32 - 0.5).astype(np.float32)


def torch_engine(threads, h, n):
    import torch

    torch.set_num_threads(threads)
    spectrum = torch.fft.rfft(torch.from_numpy(h), n=n)

    def run(x):
        with torch.inference_mode():
            y = torch.fft.irfft(torch.fft.rfft(x, n=n) * spectrum, n=n)[:, :x.shape[1]]
            return y.add_(x, alpha=0.5)

    return f"torch {torch.__version__.split('+')[0]}", torch.from_numpy, run


def scipy_engine(threads, h, n):
    import scipy
    from scipy import fft

    spectrum = fft.rfft(h, n=n, workers=threads)

    def run(x):
        z = fft.rfft(x, n=n, workers=threads)
        z *= spectrum
        y = fft.irfft(z, n=n, workers=threads, overwrite_x=True)[:, :x.shape[1]]
        y += np.float32(0.5) * x
        return y

    return f"scipy {scipy.__version__}", lambda x: x, run


def timed(work, repeats):
    work()
    start = time.perf_counter()
    work()
    inner = max(1, round(5e-3 / max(time.perf_counter() - start, 1e-7)))
    wall, cpu = [], []
    for _ in range(repeats):
        w, c = time.perf_counter(), time.process_time()
        for _ in range(inner):
            work()
        wall.append((time.perf_counter() - w) / inner)
        cpu.append((time.process_time() - c) / inner)
    return wall, cpu


def best(engine, ours, x, h):
    """The row of the faster length."""
    from scipy.fft import next_fast_len

    length, threads, found = ours["rows"], ours["threads"], []
    repeats = len(ours["wall_seconds"])
    for n in sorted({2 * length, next_fast_len(2 * length - 1, real=True)}):
        who, convert, run = engine(threads, h, n)
        given = convert(x)
        wall, cpu = timed(lambda: run(given), repeats)
        sample = [float(v) for v in run(given)[:8, -1]]
        found.append(common.row(ours["case"], who, threads, ours["work"], (wall, [c / threads for c in cpu]),
                                transform=n, sample=sample))
    return min(found, key=lambda row: row["median_wall"])


def main():
    rows = []
    for ours in json.loads(pathlib.Path(sys.argv[1]).read_text())["rows"]:
        length, channels = ours["rows"], ours["channels"]
        x = noise(length, channels, 0)
        decay = np.exp(-4.0 * np.arange(length) / length)
        h = (noise(length, channels, 0x5EED) * decay).astype(np.float32)
        for engine in (torch_engine, scipy_engine):
            rows.append(best(engine, ours, x, h))
    common.finish("long_convolution.py", None, rows, ["torch", "scipy", "numpy"])


common.run("long_convolution.py", main)
