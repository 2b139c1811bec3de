"""Golden Keras files of supervised networks, and what the published code computes from them.

    STUDY_CODE=DIR CHROMBPNET_CODE=DIR DEEPSTARR_CODE=DIR python make_supervised_keras.py --out ../supervised

The folders hold the authors' files (README.md says which); tensorflow-cpu 2.12.1 brings Keras 2.12. As in
make_supervised.py numbers of a published text are replaced (`widths`) where it writes its widths as numbers. The files
are written in float32; the same function then makes the network again in float64, which loads them.
"""

import argparse
import ast
import json
import os
import pathlib
import platform
import re
import shutil
import sys
import types

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import h5py
import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def formula(name, count):  # as in make_gradients.py
    s = sum((j + 1) * byte for j, byte in enumerate(name.encode())) % 2003
    return ((s + 7919 * np.arange(count, dtype=np.int64)) % 2003) / 2003 - 0.5


def read(variable, path):
    """The text of a published file; of a notebook its code."""
    text = (pathlib.Path(os.environ[variable]) / path).read_text()
    if path.endswith(".ipynb"):
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
        text = "\n".join("".join(c["source"]) for c in cells)
    return text


def functions(text, names, scope, widths=None):
    """The named functions and assignments of a text, with numbers replaced; the rest of it is not run."""
    if widths:
        text = re.sub(r"\b\d+\b", lambda m: str(widths.get(int(m[0]), m[0])), text)
    for node in ast.parse(text).body:
        name = getattr(node, "name", None) or getattr(getattr(node, "targets", [None])[0], "id", None)
        if name in names:
            exec(compile(ast.Module([node], []), "published", "exec"), scope)
    return [scope[name] for name in names]


def layers_scope():
    L = keras.layers
    return {"keras": keras, "tf": tf, "kl": L, "np": np, "Spearman": "mae", **{name: getattr(L, name) for name in (
        "BatchNormalization", "Activation", "MaxPooling1D", "Flatten", "Dropout", "Dense")}}


# --- the cases --------------------------------------------------------------------------------------------------------

STUDY = "lentiMPRA/mpra_model.py"


def study(names, *arguments, widths=None, path=STUDY, **named):
    return lambda: functions(read("STUDY_CODE", path), names, layers_scope(), widths)[0](*arguments, **named)


def deepstarr():
    code = read("DEEPSTARR_CODE", "DeepSTARR/DeepSTARR_training.ipynb")
    code = "\n".join(line for line in code.splitlines() if not line.lstrip().startswith(("!", "%")))
    network, parameters = functions(code, ["DeepSTARR", "params"], layers_scope())
    small = dict(num_filters=7, num_filters2=5, num_filters3=6, num_filters4=8, dense_neurons1=9, dense_neurons2=10)
    return network(parameters | small)[0]


def bpnet_module(path):
    loss = types.ModuleType("chrombpnet.training.utils.losses")
    loss.multinomial_nll = lambda y, p: p  # the loss is not run
    sys.modules["chrombpnet.training.utils.losses"] = loss
    module = types.ModuleType("bpnet")
    exec(compile(read("CHROMBPNET_CODE", path), path, "exec"), module.__dict__)
    return module


def bpnet(filters, layers, bias=None):
    name = "chrombpnet_with_bias_model" if bias else "bpnet_model"
    module = bpnet_module(f"chrombpnet/training/models/{name}.py")
    settings = dict(filters=filters, n_dil_layers=layers, counts_loss_weight=1.0, inputlen=260, outputlen=100)
    arguments = types.SimpleNamespace(seed=1, learning_rate=1e-3)
    if bias:
        module.load_pretrained_bias = lambda path: path
        return module.getModelGivenModelOptionsAndWeightInits(arguments, settings | {"bias_model_path": bias()})
    return module.getModelGivenModelOptionsAndWeightInits(arguments, settings)


REP = dict(reduce_dim=6, conv1_filter=9, conv1_kernel=7, activation="exponential", dropout1=0.2, res_pool=5, conv2_filter=8,
           conv2_kernel=7, pool2_size=4, dropout2=0.2, dense=12, dense2=7)

CASES = {
    "rep_cnn": dict(make=study(["rep_cnn"], (230, 4), config=REP, factor=1.5), file="model.h5",
                    note="fractional widths: 9 * 1.5 = 13.5 is 13"),
    "resnet": dict(make=study(["ResNet", "residual_block"], (230, 4), widths={196: 6, 256: 7}), file="model.h5",
                   note="the dilated residual block, average pooling that drops a row"),
    "mprann": dict(make=study(["MPRAnn"], (230, 4), widths={250: 6, 100: 5, 300: 9, 200: 8}), file="model.h5",
                   note="softmax over channels, pooling of one row"),
    "rep_mlp": dict(make=study(["rep_mlp"], (41, 4), factor=1 / 64), file="model.h5", note="flatten and products alone"),
    "chip_cnn": dict(make=study(["chip_cnn"], (200, 4), 3, path="chip-clip-seq/NT_CNN.py",
                                widths={512: 10, 64: 7, 96: 6, 128: 8, 256: 9}), file="model.h5", note="three outputs"),
    "mtsplice_study": dict(make=study(["mtsplice_model"], 5, path="alternative-splicing/custom_model.py",
                                      widths={128: 6, 164: 7, 256: 8}), file="model.h5",
                           note="two inputs of 400 letters, joined along the positions"),
    "deepstarr": dict(make=deepstarr, file="DeepSTARR.model.h5", config="DeepSTARR.model.json", other="T",
                      note="weights alone beside a .json; two outputs; N is the last channel"),
    "bpnet": dict(make=lambda: bpnet(6, 3), file="bias_model_scaled.h5", note="profile and counts"),
    "chrombpnet": dict(make=lambda: bpnet(7, 4, bias=lambda: bpnet(5, 2)), file="chrombpnet.h5",
                       note="a nested bias model; logsumexp of the counts"),
}


# --- running ------------------------------------------------------------------------------------------------------------

def randomize(model, seed):
    """Products that keep the size of rows, norms that are not the default."""
    rng = np.random.Generator(np.random.PCG64(seed))
    values = []
    for variable in model.weights:
        z = rng.standard_normal(variable.shape)
        name = variable.name
        if "moving_variance" in name:
            value = 1 + 0.3 * np.abs(np.clip(z, -2, 2))
        elif "gamma" in name:
            value = 1 + 0.2 * np.clip(z, -2, 2)
        elif len(variable.shape) == 1:
            value = 0.15 * z
        else:
            value = z / np.sqrt(np.prod(variable.shape[:-1]))
        values.append(value.astype(np.float32))
    model.set_weights(values)


def encode(text, other):
    x = np.zeros((len(text), 4))
    for i, letter in enumerate(text):
        if letter in "ACGT":
            x[i, "ACGT".index(letter)] = 1
        elif other is not None:
            x[i, "ACGT".index(other)] = 1
    return x


def as_list(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def run(model, texts, other, dtype):
    """Outputs, and dS by the inputs; S is the sum over the outputs, whose formulas are named output, output1, ..."""
    inputs = [tf.constant(encode(text, other)[None], dtype) for text in texts]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = as_list(model(inputs if len(inputs) > 1 else inputs[0], training=False))
        total = 0.0
        for k, y in enumerate(outputs):
            name = "output" + (str(k) if k else "")
            total += tf.reduce_sum(tf.reshape(y, [-1]) * tf.constant(formula(name, int(tf.size(y))), dtype))
    gradients = tape.gradient(total, inputs)
    return [y.numpy()[0] for y in outputs], [g.numpy()[0] for g in gradients]


def leave_code_out(path):
    """A Lambda's compiled Python is no part of a golden file, its name says what it does: the file is written anew."""
    with h5py.File(path, "r") as file:
        config = json.loads(file.attrs["model_config"])
        lambdas = [layer for layer in config["config"]["layers"] if layer["class_name"] == "Lambda"]
        if not lambdas:
            return
        for layer in lambdas:
            layer["config"]["function"] = ["", None, None]
        with h5py.File(path.with_suffix(".new"), "w") as new:
            for name in file:
                file.copy(name, new)
            for key, value in file.attrs.items():
                new.attrs[key] = json.dumps(config) if key == "model_config" else value
    path.with_suffix(".new").replace(path)


def make_case(name, c, seed, out):
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    keras.backend.clear_session()
    keras.backend.set_floatx("float32")
    model = c["make"]()
    randomize(model, seed)
    if "config" in c:
        (folder / c["config"]).write_text(model.to_json())
        model.save_weights(folder / c["file"])
    else:
        model.save(folder / c["file"], include_optimizer=False)
        leave_code_out(folder / c["file"])
    values = model.get_weights()

    rng = np.random.Generator(np.random.PCG64(2000 + seed))
    letters = "ACGT" + ("N" if c.get("other") or "bpnet" in name else "")
    cases = [["".join(rng.choice(list(letters), x.shape[1])) for x in model.inputs] for _ in range(2)]
    tensors, largest = {}, 0.0
    for dtype, prefix in (("float32", "f32."), ("float64", "")):
        if dtype == "float64":
            keras.backend.clear_session()
            keras.backend.set_floatx("float64")
            model = c["make"]()
            model.load_weights(folder / c["file"])
            assert all(np.array_equal(a, b.astype(np.float64)) for a, b in zip(model.get_weights(), values))
        for j, texts in enumerate(cases):
            outputs, gradients = run(model, texts, c.get("other"), dtype)
            for k, text in enumerate(texts):
                suffix = str(k) if k else ""
                tensors[f"case{j}.sequence{suffix}"] = np.frombuffer(text.encode(), np.uint8).copy()
                tensors[f"case{j}.{prefix}gradient{suffix}"] = gradients[k]
            for k, y in enumerate(outputs):
                suffix = str(k) if k else ""
                assert y.dtype == dtype and np.isfinite(y).all()
                tensors[f"case{j}.{prefix}output{suffix}"] = y
                if dtype == "float64":
                    largest = max(largest, np.abs(y - tensors[f"case{j}.f32.output{suffix}"]).max())
    expected = out / "expected" / f"{name}.safetensors"
    expected.parent.mkdir(exist_ok=True)
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, expected)
    files = [expected, *folder.iterdir()]
    for file in files:
        file.chmod(0o644)
    size = sum(f.stat().st_size for f in files)
    y = tensors["case0.output"]
    print(f"{name:16s} {size:8d} B  output {y.min():.3g} to {y.max():.3g}  f32 vs f64 {largest:.1e}")
    return {"name": name, "file": c["file"], "inputs": 2, "note": c["note"], "largest_f32_gap": float(f"{largest:.1e}")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    cases = [make_case(name, c, seed, options.out) for seed, (name, c) in enumerate(CASES.items(), start=1)]
    versions = {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__,
                "numpy": np.__version__, "h5py": h5py.__version__}
    (options.out / "INDEX_keras.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=2) + "\n")


if __name__ == "__main__":
    main()
