"""Golden files of MTSplice: what Keras computes from the published networks, and a small network of the same layers.

    MTSPLICE_CODE=DIR python make_mtsplice.py --fasta brca1.fa --out ../supervised

In the environment of make_supervised_keras.py, with scipy. DIR is `mmsplice` of github.com/gagneurlab/MMSplice_MTSplice
(`layers.py`, `models/`), whose layers run unchanged. The published networks are read, not copied; the small one is made
of the description in `models/mtsplice0.h5` with other widths.
"""

import argparse
import json
import os
import pathlib
import sys

import make_supervised_keras as common  # sets TensorFlow up
import h5py
import keras
import numpy as np
from safetensors.numpy import save_file

CODE = pathlib.Path(os.environ["MTSPLICE_CODE"])
sys.path.insert(0, str(CODE))
import layers  # the authors'

PUBLISHED = [f"mtsplice{i}" for i in range(8)] + [f"mtsplice_deep{i}" for i in range(4)]
# Exons of BRCA1 on chromosome 17 of hg19, minus strand, from 0, half-open: one inside, the last one, a short one.
EXONS = [(41243451, 41246877), (41196312, 41197819), (41258494, 41258550)]
LAST = EXONS[1]
FIRST_BASE = 41176311  # of the file
FLANK, INSIDE = 300, 100
WIDTHS = {64: 6, 32: 7, 56: 5, 400: 40}  # of the small network, its length too


def description(name):
    with h5py.File(CODE / "models" / f"{name}.h5", "r") as file:
        return json.loads(file.attrs["model_config"])


def narrowed(config):
    for layer in config["config"]["layers"]:
        settings = layer["config"]
        for key in ("filters", "units"):
            if key in settings:
                settings[key] = WIDTHS[settings[key]]
        if "batch_input_shape" in settings:
            settings["batch_input_shape"][1] = WIDTHS[settings["batch_input_shape"][1]]
    return config


def make(config, dtype):
    keras.backend.clear_session()
    keras.backend.set_floatx(dtype)
    config = json.loads(json.dumps(config))
    for layer in config["config"]["layers"]:
        if "dtype" in layer["config"]:
            layer["config"]["dtype"] = dtype
    return keras.models.model_from_json(json.dumps(config), custom_objects={"SplineWeight1D": layers.SplineWeight1D})


def windows(fasta):
    """The 400 letters at the acceptor and at the donor; N where there is no intron."""
    letters = "".join(line.strip() for line in fasta.read_text().splitlines() if not line.startswith(">"))
    for begin, end in EXONS:
        part = letters[begin - FLANK - FIRST_BASE:end + FLANK - FIRST_BASE]
        part = part[::-1].translate(str.maketrans("ACGT", "TGCA"))
        if (begin, end) == LAST:
            part = part[:-FLANK] + "N" * FLANK
        yield part[:FLANK + INSIDE], part[-INSIDE - FLANK:]


def store(tensors, file, metadata=None):
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, file, metadata)
    file.chmod(0o644)


def published(fasta, expected):
    texts = list(windows(fasta))
    tensors = {}
    for j, pair in enumerate(texts):
        for k, text in enumerate(pair):
            assert len(text) == FLANK + INSIDE and set(text) <= set("ACGTN")
            tensors[f"case{j}.sequence{k or ''}"] = np.frombuffer(text.encode(), np.uint8).copy()
    inputs = [np.stack([common.encode(pair[k], None) for pair in texts]) for k in (0, 1)]
    gap = 0.0
    for name in PUBLISHED:
        rows = []
        for dtype in ("float32", "float64"):
            model = make(description(name), dtype)
            model.load_weights(CODE / "models" / f"{name}.h5")
            rows.append(model([x.astype(dtype) for x in inputs], training=False).numpy())
            assert rows[-1].dtype == dtype and rows[-1].shape == (len(texts), 56)
        gap = max(gap, np.abs(rows[0] - rows[1]).max())
        tensors[name] = rows[1]
        print(name, rows[1].min(), rows[1].max())
    print("largest difference of Keras in float32:", gap)
    store(tensors, expected / "mtsplice_published.safetensors")


def small(out, expected, seed=77):
    config = narrowed(description("mtsplice0"))
    model = make(config, "float32")
    common.randomize(model, seed)
    folder = out / "mtsplice"
    folder.mkdir(exist_ok=True)
    stored = {f"{layer.name}/{w.name}": w.numpy() for layer in model.layers for w in layer.weights}
    store(stored, folder / "model.safetensors", {"model_config": json.dumps(config, separators=(",", ":"))})
    (folder / "config.json").write_text('{"model_type": "keras"}\n')
    values = model.get_weights()
    rng = np.random.Generator(np.random.PCG64(2000 + seed))
    length = model.inputs[0].shape[1]
    tensors = {}
    for j in range(2):
        texts = ["".join(rng.choice(list("ACGTN"), length)) for _ in model.inputs]
        for dtype, prefix in (("float32", "f32."), ("float64", "")):
            model = make(config, dtype)
            model.set_weights(values)
            outputs, gradients = common.run(model, texts, None, dtype)
            for k, text in enumerate(texts):
                tensors[f"case{j}.sequence{k or ''}"] = np.frombuffer(text.encode(), np.uint8).copy()
                tensors[f"case{j}.{prefix}gradient{k or ''}"] = gradients[k]
            tensors[f"case{j}.{prefix}output"] = outputs[0]
            assert outputs[0].dtype == gradients[0].dtype == dtype
    store(tensors, expected / "mtsplice.safetensors")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fasta", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    expected = options.out / "expected"
    small(options.out, expected)
    published(options.fasta, expected)


if __name__ == "__main__":
    main()
