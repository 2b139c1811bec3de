"""Dependency maps and influences by the authors' own notebooks, on the logits of dependency.json.

    python make_dependency_notebook.py --code DIR --golden ../attribution

DIR is a copy of github.com/gagneurlab/dependencies_DNALM at commit e20c4bc. Needs torch, numpy and pandas. Run are, unchanged, the cells
that define compute_dependency_map and compute_all_variants_influence_score in compute_and_visualize_dep_maps.ipynb, and
extract_snp_effects with get_all_rowsums in manuscript_code/fig1_variant_effects.ipynb; the model, its tokenizer and the loader of data
are stand-ins that hand the probabilities on. Writes dependency_notebook.json:

    map        (L, L)  compute_dependency_map, in double
    influence  (L, 4)  compute_all_variants_influence_score, in double; columns A, C, G, T
    row_sums   (4, L)  get_all_rowsums, in float32: rows A, C, G, T; natural logarithms, epsilon 1e-4, the mean over all L positions
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np
import pandas as pd
import torch


def run_cell(file, names, *texts):
    """Runs the first code cell that holds all of these texts, among `names`."""
    for cell in json.loads(file.read_text())["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code" and all(wanted in text for wanted in texts):
            return exec(text, names)
    raise ValueError(f"no cell of {file.name} has {texts}")


def probabilities(record, sequences):
    logits = np.array([record["logits"][s] for s in sequences])
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


class Reconstruction:
    """In place of the notebook's model: what it would predict for the sequences of the loader."""

    record = None

    def __init__(self, model, tokenizer, require_grad):
        pass

    def eval(self):
        return self

    def predict_all_from_dataloader(self, loader):
        return torch.from_numpy(probabilities(self.record, loader))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--code", type=pathlib.Path, required=True)
    parser.add_argument("--golden", type=pathlib.Path, required=True)
    options = parser.parse_args()
    record = json.loads((options.golden / "dependency.json").read_text())
    Reconstruction.record = record
    maps = options.code / "compute_and_visualize_dep_maps.ipynb"
    names = {"np": np, "pd": pd, "torch": torch, "model": None, "tokenizer": None, "ReconstructionModel": Reconstruction,
             "get_dataloader": lambda dataset, **settings: list(dataset["seq"])}
    run_cell(maps, names, "def compute_dependency_map(", "ReconstructionModel(")
    run_cell(maps, names, "def compute_all_variants_influence_score(")
    sequence = record["sequence"]
    result = {"map": names["compute_dependency_map"](sequence).ravel().tolist(),
              "influence": names["compute_all_variants_influence_score"](sequence).ravel().tolist()}

    run_cell(options.code / "manuscript_code" / "fig1_variant_effects.ipynb", names, "def extract_snp_effects(", "def get_all_rowsums(")
    table = names["mutate_sequence"](sequence).rename(columns={"mutation_pos": "var_pos"})
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/from_0_on.pt"  # the number is the first row of the file
        torch.save(torch.from_numpy(probabilities(record, list(table["seq"]))), file)
        table["path"], table["gene_id"], table["index"] = file, "gene", range(len(table))
        sums = names["get_all_rowsums"](table, seqlen=len(sequence))["gene"]
    result["row_sums"] = sums.double().ravel().tolist()
    (options.golden / "dependency_notebook.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
