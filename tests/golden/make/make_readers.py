"""Write small Keras-like .h5 files (h5py), 2bit files (by hand) and a Lightning checkpoint, with what they hold.

    python make_readers.py --out ..

Values go into `<stem>.safetensors` beside the files. Keras itself is not needed: the layout (attributes
layer_names and weight_names, groups, model_config) is written as Keras 2 and 3 write it.
"""

import argparse
import collections
import json
import pathlib
import struct

import h5py
import numpy as np
from safetensors.numpy import save_file


def rng(seed):
    return np.random.Generator(np.random.PCG64(seed))


def fixed(texts):
    return np.array([t.encode() for t in texts], dtype="S") if texts else np.array([])


# ------------------------------------------------------------------------------------------------- Keras files
def save_keras(path, layers, config="", whole=True, texts=fixed, split=False, **options):
    """layers: {layer: {weight: array or (array, create_dataset options)}}. Returns {name: array}."""
    values = {}
    with h5py.File(path, "w", track_order=False, **options) as file:
        if config:
            file.attrs["model_config"] = np.bytes_(config)
        file.attrs["keras_version"] = np.bytes_("2.11.0")
        file.attrs["backend"] = np.bytes_("tensorflow")
        base = file.create_group("model_weights") if whole else file
        names = list(layers)
        if split:
            base.attrs["layer_names0"], base.attrs["layer_names1"] = texts(names[:1]), texts(names[1:])
        else:
            base.attrs["layer_names"] = texts(names)
        for layer, weights in layers.items():
            group = base.create_group(layer)
            group.attrs["weight_names"] = texts(list(weights))
            for weight, value in weights.items():
                value, how = value if isinstance(value, tuple) else (value, {})
                group.create_dataset(weight, data=value, **how)
                values[f"{layer}/{weight}"] = np.asarray(value)
        if whole:
            optimizer = file.create_group("optimizer_weights")
            optimizer.attrs["weight_names"] = fixed(["iteration:0"])
            optimizer.create_dataset("iteration:0", data=np.int64(17))
    return values


def keep(path, values):
    native = {k: np.ascontiguousarray(v).reshape(v.shape).astype(v.dtype.newbyteorder("=")) for k, v in values.items()}
    save_file(native, path)


def model(seed=41):
    g = rng(seed)
    return {
        "input_1": {},
        "conv1d": {"conv1d/kernel:0": g.standard_normal((5, 4, 6)).astype("<f4"), "conv1d/bias:0": g.standard_normal(6).astype("<f4")},
        "batch_normalization": {f"batch_normalization/{n}:0": g.random(6).astype("<f4") for n in ("gamma", "beta", "moving_mean", "moving_variance")},
        "dropout": {},
        "dense": {"dense/kernel:0": g.standard_normal((6, 3)).astype("<f4"), "dense/bias:0": g.standard_normal(3).astype("<f4")},
    }


def kinds():
    g = rng(42)
    base, whole = g.standard_normal((3, 4)), g.integers(0, 100, (3, 4))
    weights = {f"{t[1:]}{'be' if t[0] == '>' else ''}": base.astype(t) for t in ("<f8", "<f4", "<f2", ">f8", ">f4", ">f2")}
    weights |= {f"{t[1:]}{'be' if t[0] == '>' else ''}": whole.astype(t) for t in ("<i8", "<i4", "<i2", "<i1", "<u8", "<u4", "<u2", "<u1", ">i8", ">i2", ">u4")}
    weights["bool"] = whole % 2 == 0
    long = g.standard_normal((300, 7)).astype("<f4")
    weights["scalar"] = np.float32(2.5)
    weights["empty"] = np.zeros((0, 4), "<f4")
    weights["gzip"] = (long, {"compression": "gzip", "chunks": (64, 7)})
    weights["shuffled"] = (long[:50], {"compression": "gzip", "shuffle": True, "fletcher32": True, "chunks": (7, 3)})
    weights["chunked"] = (long[:20, :3].astype(">f4"), {"chunks": (6, 2)})
    return {"layer": weights}


def make_keras(folder):
    folder.mkdir(parents=True, exist_ok=True)
    config = json.dumps({"class_name": "Functional", "config": {"name": "toy", "layers": []}})
    keep(folder / "model.safetensors", save_keras(folder / "model.h5", model(), config))
    save_keras(folder / "model_new_format.h5", model(), config, libver="latest")
    save_keras(folder / "model_userblock.h5", model(), config, userblock_size=1024)
    save_keras(folder / "weights_only.h5", model(), whole=False)
    variable = lambda texts: np.array(texts, dtype=h5py.string_dtype()) if texts else np.array([])
    save_keras(folder / "variable_texts.h5", model(), config, texts=variable, split=True)
    keep(folder / "kinds.safetensors", save_keras(folder / "kinds.h5", kinds(), whole=False))
    with h5py.File(folder / "keras3.weights.h5", "w") as file:
        for name, value in zip(("0", "1"), model()["dense"].values()):
            file.create_dataset(f"layers/dense/vars/{name}", data=value)
        file.create_group("layers/dropout/vars")
    make_refused(folder)


def make_refused(folder):
    """Files that are correct HDF5 and must be refused, or that lie about their size."""
    def start(name):
        file = h5py.File(folder / f"refused_{name}.h5", "w")
        file.attrs["layer_names"] = fixed(["layer"])
        group = file.create_group("layer")
        group.attrs["weight_names"] = fixed(["w"])
        return file, group

    values = np.arange(6, dtype="<f4")
    other = folder / "elsewhere.bin"
    file, group = start("external_link")
    group["w"] = h5py.ExternalLink("model.h5", "/model_weights/dense/dense/kernel:0")
    file.close()
    file, group = start("soft_link")
    group["target"] = values
    group["w"] = h5py.SoftLink("/layer/target")
    file.close()
    file, group = start("external_storage")
    group.create_dataset("w", (6,), "<f4", external=[("elsewhere.bin", 0, 24)])
    file.close()
    file, group = start("virtual")
    layout = h5py.VirtualLayout(shape=(6, 3), dtype="<f4")
    layout[:] = h5py.VirtualSource(str("model.h5"), "model_weights/dense/dense/kernel:0", shape=(6, 3))
    group.create_virtual_dataset("w", layout)
    file.close()
    file, group = start("filter")
    group.create_dataset("w", data=values, compression="lzf")
    file.close()
    file, group = start("scale_offset")
    group.create_dataset("w", data=np.arange(600, dtype="<i4"), scaleoffset=0, chunks=(100,))
    file.close()
    file, group = start("text")
    group["w"] = np.array([b"abc", b"de"])
    file.close()
    file, group = start("complex")
    group["w"] = np.array([1 + 2j])
    file.close()
    file, group = start("object")
    group.create_dataset("w", data=np.array(["a", "b"], dtype=object), dtype=h5py.string_dtype())
    file.close()
    file, group = start("missing")
    file.close()
    file, group = start("group")
    group.create_group("w")
    file.close()
    file, group = start("numbers")
    group["w"] = values
    group.attrs["weight_names"] = np.arange(3)
    file.close()
    file, group = start("twice")
    group["w"] = values
    group.attrs["weight_names"] = fixed(["w", "w"])
    file.close()
    file, group = start("huge")
    group.create_dataset("w", (2**40,), "<f4", chunks=(1024,), compression="gzip")
    file.close()
    file, group = start("overflow")
    group.create_dataset("w", (2**40, 2**40), "<f4", chunks=(1024, 1024), compression="gzip")
    file.close()
    file, group = start("null")
    group["w"] = h5py.Empty("<f4")
    file.close()
    with h5py.File(folder / "refused_circle.h5", "w") as file:
        file["a"] = file
        file["b"] = values
    with h5py.File(folder / "refused_empty.h5", "w") as file:
        file.create_group("nothing")
    assert not other.exists() or other.unlink() is None


# -------------------------------------------------------------------------------------------------- 2bit files
CODE = {"T": 0, "C": 1, "A": 2, "G": 3}


def runs(letters, inside):
    found, start = [], None
    for i, letter in enumerate(letters + "\0"):
        if letter != "\0" and inside(letter):
            start = i if start is None else start
        elif start is not None:
            found.append((start, i - start))
            start = None
    return found


def two_bit(sequences, order="<", version=0):
    """sequences: {name: letters ACGTNacgtn}."""
    offset_code = "Q" if version == 1 else "I"
    body, offsets = b"", []
    index = sum(1 + len(n) + struct.calcsize(order + offset_code) for n in sequences)
    for letters in sequences.values():
        offsets.append(16 + index + len(body))
        unknown = runs(letters, lambda c: c in "Nn")
        masked = runs(letters, str.islower)
        record = struct.pack(order + "I", len(letters))
        for blocks in (unknown, masked):
            record += struct.pack(order + "I", len(blocks))
            record += struct.pack(f"{order}{len(blocks)}I", *[b[0] for b in blocks])
            record += struct.pack(f"{order}{len(blocks)}I", *[b[1] for b in blocks])
        record += struct.pack(order + "I", 0)
        codes = [CODE.get(c.upper(), 0) for c in letters] + [0] * (-len(letters) % 4)
        record += bytes(a << 6 | b << 4 | c << 2 | d for a, b, c, d in zip(*[iter(codes)] * 4))
        body += record
    out = struct.pack(order + "4I", 0x1A412743, version, len(sequences), 0)
    for name, offset in zip(sequences, offsets):
        out += struct.pack("B", len(name)) + name.encode() + struct.pack(order + offset_code, offset)
    return out + body


def make_two_bit(folder):
    folder.mkdir(parents=True, exist_ok=True)
    g = rng(43)
    sequences = {}
    for i, length in enumerate([1, 2, 3, 4, 5, 7, 64, 1001]):
        letters = "".join(g.choice(list("ACGT"), length))
        if length > 3:
            letters = letters[:2] + "NN" + letters[4:]
        if length > 60:
            a, b = length // 3, length // 2
            letters = letters[:a] + "n" * 5 + letters[a + 5:b].lower() + letters[b:-3] + "NNN"
        sequences[f"chr{i + 1}"] = letters
    sequences["masked"] = "acgtn" * 5
    for name, order, version in (("little", "<", 0), ("big", ">", 0), ("version1", "<", 1), ("big_version1", ">", 1)):
        (folder / f"{name}.2bit").write_bytes(two_bit(sequences, order, version))
    (folder / "sequences.tsv").write_text("".join(f"{n}\t{s}\n" for n, s in sequences.items()))


# ---------------------------------------------------------------------------------------- Lightning checkpoint
def make_lightning(folder):
    import pytorch_lightning as lightning
    import torch
    from omegaconf import OmegaConf
    from safetensors.torch import save_file as save_torch

    class Toy(lightning.LightningModule):
        def __init__(self, config, folder, names):
            super().__init__()
            self.save_hyperparameters()
            self.model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.LayerNorm(3))

        def training_step(self, batch, index):
            return self.model(batch[0]).square().mean()

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]

    torch.manual_seed(44)
    config = OmegaConf.create({"width": 3, "layers": [1, 2], "nested": {"rate": 1e-3, "name": "${width}"}})
    toy = Toy(config, pathlib.PurePosixPath("runs/1"), argparse.Namespace(a=np.float64(0.5), b=collections.OrderedDict(x=np.int64(3))))
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(8, 4)), batch_size=4)
    callbacks = [lightning.callbacks.ModelCheckpoint(dirpath="/nowhere", save_top_k=0), lightning.callbacks.EarlyStopping("loss", strict=False)]
    trainer = lightning.Trainer(max_epochs=1, logger=False, enable_progress_bar=False, enable_model_summary=False,
                                callbacks=callbacks, accelerator="cpu")
    trainer.fit(toy, data)
    trainer.save_checkpoint(folder / "lightning.ckpt")
    save_torch({k: v.contiguous() for k, v in toy.state_dict().items()}, folder / "lightning.safetensors")
    torch.serialization.set_crc32_options(False)
    torch.save(toy.state_dict(), folder / "without_crc.pt")
    torch.serialization.set_crc32_options(True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    make_keras(options.out / "keras")
    make_two_bit(options.out / "two_bit")
    make_lightning(options.out / "torch")
    for folder in ("keras", "two_bit", "torch"):
        for file in (options.out / folder).iterdir():
            file.chmod(0o644)


if __name__ == "__main__":
    main()
