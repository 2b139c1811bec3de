# SPDX-License-Identifier: Apache-2.0
"""The definitions of nucleotide dependency maps, worked out for logits of a made-up model.

    python3 make_dependency.py OUTPUT_FOLDER    (needs nothing but Python)

Writes dependency.json: a sequence, the logits (L, 4) of it and of each of its 3 L substitutions, and of these
* log_odds, jacobian, jacobian_corrected (symmetrised by the mean, average product corrected),
* notebook_log_odds, notebook_influence: with epsilon 1e-10, the influence with its sign and its own column.
"""
import json
import math
import random
import sys

LETTERS = "ACGT"


def softmax(row):
    top = max(row)
    weights = [math.exp(z - top) for z in row]
    return [w / sum(weights) for w in weights]


def log_softmax(row):
    top = max(row)
    total = math.log(sum(math.exp(z - top) for z in row)) + top
    return [z - total for z in row]


def log_odds(row, epsilon):
    p = [value + epsilon for value in softmax(row)]
    p = [value / sum(p) for value in p]
    return [math.log2(value) - math.log2(1 - value) for value in p]


def edits_of(sequence, i):
    return [sequence[:i] + b + sequence[i + 1 :] for b in LETTERS if b != sequence[i]]


def odds_changes(sequence, logits, epsilon):
    """changes[i][b][j][c] of the log-odds."""
    wild = [log_odds(row, epsilon) for row in logits[sequence]]
    changes = []
    for i in range(len(sequence)):
        of_position = {}
        for edited in edits_of(sequence, i):
            odds = [log_odds(row, epsilon) for row in logits[edited]]
            of_position[edited[i]] = [[o - w for o, w in zip(a, b)] for a, b in zip(odds, wild)]
        changes.append(of_position)
    return changes


def largest_changes(sequence, changes):
    size = len(sequence)
    return [
        [
            0.0 if i == j else max(abs(v) for change in changes[i].values() for v in change[j])
            for j in range(size)
        ]
        for i in range(size)
    ]


def signed_influence(sequence, changes):
    """(4, L): the sum over all columns, the substituted one too, of the largest change, over L - 1."""
    size = len(sequence)
    return [
        [sum(max(row) for row in changes[i][b]) / (size - 1) if b in changes[i] else 0.0 for i in range(size)]
        for b in LETTERS
    ]


def jacobian_map(sequence, logits):
    size = len(sequence)
    wild = [log_softmax(row) for row in logits[sequence]]
    result = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(size):
            if i == j:
                continue
            block = []
            for a in LETTERS:
                edited = sequence[:i] + a + sequence[i + 1 :]
                block.append([x - y for x, y in zip(log_softmax(logits[edited][j]), wild[j])])
            rows = [sum(row) / 4 for row in block]
            block = [[v - m for v in row] for row, m in zip(block, rows)]
            columns = [sum(row[c] for row in block) / 4 for c in range(4)]
            block = [[v - m for v, m in zip(row, columns)] for row in block]
            result[i][j] = math.sqrt(sum(v * v for row in block for v in row))
    return result


def corrected(matrix):
    size = len(matrix)
    s = [[(matrix[i][j] + matrix[j][i]) / 2 for j in range(size)] for i in range(size)]
    rows = [sum(row) for row in s]
    total = sum(rows)
    return [[s[i][j] - rows[i] * rows[j] / total for j in range(size)] for i in range(size)]


def flat(matrix):
    return [value for row in matrix for value in row]


def main(folder):
    random.seed(20)
    sequence = "GATTACA"
    names = [sequence] + [edited for i in range(len(sequence)) for edited in edits_of(sequence, i)]
    logits = {name: [[round(random.gauss(0, 2), 6) for _ in LETTERS] for _ in sequence] for name in names}
    exact = odds_changes(sequence, logits, 0.0)
    notebook = odds_changes(sequence, logits, 1e-10)
    jacobian = jacobian_map(sequence, logits)
    record = {
        "sequence": sequence,
        "logits": logits,
        "log_odds": flat(largest_changes(sequence, exact)),
        "jacobian": flat(jacobian),
        "jacobian_corrected": flat(corrected(jacobian)),
        "notebook_log_odds": flat(largest_changes(sequence, notebook)),
        "notebook_influence": flat(signed_influence(sequence, notebook)),
    }
    with open(folder + "/dependency.json", "w") as file:
        json.dump(record, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
