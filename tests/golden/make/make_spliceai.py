"""Golden file of SpliceAI: what Keras computes from a narrow network of the published description.

    SPLICEAI_CODE=DIR python make_spliceai.py --out ../supervised

In the environment of make_supervised_keras.py. DIR is `spliceai` of github.com/Illumina/SpliceAI (`models/spliceai1.h5`): its
description is run with other widths, taps and dilations, its weights are not read. Those of the small network are a formula
of each tensor's name (tests/unit/models/formula_runs.hpp), so that only what comes out is stored.
"""

import argparse
import json
import os
import pathlib

import make_supervised_keras as common  # sets TensorFlow up
import h5py
import keras
import numpy as np
from safetensors.numpy import save_file

CODE = pathlib.Path(os.environ["SPLICEAI_CODE"])
WIDTH = 5
TAPS = {1: 1, 11: 5, 21: 5, 41: 3}
DILATIONS = {1: 1, 4: 2, 10: 3, 25: 4}
FLANK = 4 * (1 * 4 + 2 * 4 + 3 * 4 + 4 * 2)
SEQUENCES = ["ACGTTGCANCAGGTAAGTTTCCAGA", "CAGGTNAGT"]


def description():
    with h5py.File(CODE / "models" / "spliceai1.h5", "r") as file:
        config = json.loads(file.attrs["model_config"])
    for layer in config["config"]["layers"]:
        settings = layer["config"]
        if layer["class_name"] == "Conv1D":
            settings["filters"] = 3 if settings["filters"] == 3 else WIDTH
            settings["kernel_size"] = [TAPS[settings["kernel_size"][0]]]
            settings["dilation_rate"] = [DILATIONS[settings["dilation_rate"][0]]]
        if layer["class_name"] == "Cropping1D":
            assert settings["cropping"] == [5000, 5000]
            settings["cropping"] = [FLANK, FLANK]
    return config


def by_formula(name, shape):
    name = name.removesuffix(":0")
    key = sum(name.encode()) % 97
    value = 0.3 * np.sin(0.7 * np.arange(np.prod(shape)) + key)
    if name.endswith(("gamma", "moving_variance")):
        value = 1 + 0.5 * value
    return value.astype(np.float32).reshape(shape)


def make(dtype):
    keras.backend.clear_session()
    keras.backend.set_floatx(dtype)
    config = description()
    for layer in config["config"]["layers"]:
        layer["config"].pop("dtype", None)
    model = keras.models.model_from_json(json.dumps(config))
    model.set_weights([by_formula(w.name, w.shape) for w in model.weights])
    return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out / "expected" / "spliceai.safetensors"
    tensors = {}
    for dtype, prefix in (("float32", "f32."), ("float64", "")):
        model = make(dtype)
        for j, sequence in enumerate(SEQUENCES):
            text = "N" * FLANK + sequence + "N" * FLANK
            outputs, gradients = common.run(model, [text], None, dtype)
            assert outputs[0].dtype == dtype and outputs[0].shape == (len(sequence), 3)
            tensors[f"case{j}.sequence"] = np.frombuffer(sequence.encode(), np.uint8).copy()
            tensors[f"case{j}.{prefix}output"] = outputs[0]
            tensors[f"case{j}.{prefix}gradient"] = gradients[0][FLANK:-FLANK]
    gap = max(np.abs(tensors[f"case{j}.f32.output"] - tensors[f"case{j}.output"]).max() for j in range(len(SEQUENCES)))
    y, g = tensors["case0.output"], tensors["case0.gradient"]
    print(f"output {y.min():.3g} to {y.max():.3g}, gradient up to {np.abs(g).max():.3g}, f32 vs f64 {gap:.1e}")
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, out)
    out.chmod(0o644)


if __name__ == "__main__":
    main()
