"""Write what scipy.stats computes for the Mann-Whitney test and Student's t, with the data it computed it from.

    python make_scipy.py --out ../scipy        # scipy 1.17.1, numpy 2.4.6, mpmath 1.3.0

The tails of Student's t are mpmath's, in 40 digits: scipy's have errors of 3e-11 near t = 0.
"""

import argparse
import json
import pathlib

import mpmath
import numpy as np
import scipy.stats


def rng(seed):
    return np.random.Generator(np.random.PCG64(seed))


def rank_case(name, x, y, method):
    case = {"name": name, "x": list(map(float, x)), "y": list(map(float, y)), "method": method}
    for side, alternative in (("both", "two-sided"), ("greater", "greater"), ("less", "less")):
        result = scipy.stats.mannwhitneyu(x, y, alternative=alternative, method=method)
        case["u"] = float(result.statistic)
        case[side] = float(result.pvalue)
    return case


def rank_cases():
    cases = []
    for seed, (n1, n2, shift) in enumerate([(1, 1, 0), (3, 5, 0.4), (8, 8, -1), (20, 11, 0.3), (50, 50, 0.2), (1, 40, 2)]):
        g = rng(seed)
        x, y = np.round(g.standard_normal(n1) + shift, 6), np.round(g.standard_normal(n2), 6)
        for method in ("exact", "asymptotic"):
            cases.append(rank_case(f"{n1}_{n2}_{method}", x, y, method))
    for seed, (n1, n2) in enumerate([(2, 2), (9, 30), (200, 100)]):
        g = rng(100 + seed)
        cases.append(rank_case(f"ties_{n1}_{n2}", g.integers(0, 5, n1), g.integers(1, 6, n2), "asymptotic"))
    cases.append(rank_case("apart", range(10, 20), range(10), "exact"))
    return cases


def mean_cases():
    cases = []
    for seed, (n, shift) in enumerate([(2, 0.5), (3, -1), (10, 0.2), (100, 0.3), (1000, 0.01), (30, 5)]):
        d = np.round(rng(200 + seed).standard_normal(n) + shift, 6)
        result = scipy.stats.ttest_rel(d, np.zeros(n))
        cases.append({"d": list(map(float, d)), "mean": float(d.mean()), "error": float(scipy.stats.sem(d)),
                      "t": float(result.statistic), "p": float(result.pvalue)})
    return cases


def student_t_tails(t, freedom):
    mpmath.mp.dps = 40
    return mpmath.betainc(freedom / 2, mpmath.mpf(1) / 2, 0, freedom / (freedom + t * t), regularized=True)


def tail_cases():
    pairs = [(t, f) for t in (1e-6, 0.01, 0.5, 1, 2, 5, 12, 40) for f in (1, 2, 3, 9, 50, 99, 101, 1e3, 1e6)]
    return [{"t": t, "freedom": f, "p": float(student_t_tails(mpmath.mpf(t), mpmath.mpf(f)))} for t, f in pairs]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--out", type=pathlib.Path, required=True)
out = parser.parse_args().out
out.mkdir(parents=True, exist_ok=True)
document = {"scipy": scipy.__version__, "rank": rank_cases(), "mean": mean_cases(), "tails": tail_cases()}
(out / "tests.json").write_text(json.dumps(document, indent=1) + "\n")
