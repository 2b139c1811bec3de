"""Write small .npy/.npz files by numpy and .pt files by torch.save, with the values they hold as .safetensors.

    python make_arrays.py --out ..
"""

import argparse
import collections
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch


def make_npy(folder):
    folder.mkdir(parents=True, exist_ok=True)
    g = np.random.Generator(np.random.PCG64(31))
    base = g.standard_normal((3, 5))
    whole = g.integers(0, 100, (3, 5))
    arrays = {
        "f8": base, "f4": base.astype("<f4"), "f2": base.astype("<f2"),
        "i8": whole - 50, "i4": (whole - 50).astype("<i4"), "i2": (whole - 50).astype("<i2"), "i1": (whole - 50).astype("i1"),
        "u8": whole.astype("<u8"), "u4": whole.astype("<u4"), "u2": whole.astype("<u2"), "u1": whole.astype("u1"),
        "bool": whole % 2 == 0,
        "f4_fortran": np.asfortranarray(base.astype("<f4")), "f8_3d": g.standard_normal((2, 3, 4)),
        "f8_3d_fortran": np.asfortranarray(g.standard_normal((2, 3, 4))),
        "f8_big_endian": base.astype(">f8"), "f4_big_endian": base.astype(">f4"), "i4_big_endian": whole.astype(">i4"),
        "f8_scalar": np.array(2.5), "f4_vector": base[0].astype("<f4"), "f4_empty": np.zeros((0, 4), "<f4"),
        "f8_special": np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1.7976931348623157e308]),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    with open(folder / "f4_version2.npy", "wb") as out:
        np.lib.format.write_array(out, arrays["f4"], version=(2, 0))
    with open(folder / "f4_version3.npy", "wb") as out:
        np.lib.format.write_array(out, arrays["f4"], version=(3, 0))
    chosen = {k: arrays[k] for k in ("f8", "f4", "i8", "bool", "f4_fortran", "f8_scalar", "f4_empty")}
    chosen["with/slash"] = arrays["f4_vector"]
    np.savez(folder / "stored.npz", **chosen)
    np.savez_compressed(folder / "compressed.npz", **chosen, long=np.arange(5000.0))
    np.savez(folder / "positional.npz", arrays["f4"], arrays["i8"])

    expected = dict(arrays, f4_version2=arrays["f4"], f4_version3=arrays["f4"])
    native = {k: np.ascontiguousarray(v).reshape(v.shape).astype(v.dtype.newbyteorder("=")) for k, v in expected.items()}
    save_numpy(native, folder / "expected.safetensors")


class Unknown:
    """A class that a C++ reader has never heard of."""

    def __init__(self):
        self.step = 7


def contiguous(tree, prefix=""):
    flat = {}
    for key, value in tree.items():
        if isinstance(value, torch.Tensor):
            flat[prefix + key] = value.detach().clone(memory_format=torch.contiguous_format)
        elif isinstance(value, dict):
            flat.update(contiguous(value, prefix + key + "."))
    return flat


def make_torch(folder):
    folder.mkdir(parents=True, exist_ok=True)
    base = torch.from_numpy(np.random.Generator(np.random.PCG64(32)).standard_normal((4, 6)))
    whole = torch.arange(24).reshape(4, 6) - 7

    dtypes = {"f64": base, "f32": base.float(), "f16": base.half(), "bf16": base.bfloat16(), "i64": whole, "i32": whole.int(),
              "i16": whole.short(), "i8": whole.to(torch.int8), "u8": (whole + 7).to(torch.uint8), "bool": whole % 3 == 0}
    matrix = torch.arange(20, dtype=torch.float32).reshape(4, 5) / 3
    views = {"base": matrix, "transposed": matrix.t(), "rows_2_3": matrix[2:], "columns_1_3": matrix[:, 1:3], "strided": matrix[::2, ::2],
             "scalar": torch.tensor(3.25), "element": matrix[1, 2], "empty": torch.zeros(0, 3), "expanded": matrix[0].expand(3, 5),
             "three_d": torch.arange(24, dtype=torch.float64).reshape(2, 3, 4).permute(2, 0, 1)}
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4), torch.nn.BatchNorm1d(4))
    g = np.random.Generator(np.random.PCG64(33))
    for parameter in module.parameters():
        parameter.data = torch.from_numpy(g.standard_normal(tuple(parameter.shape)).astype(np.float32))
    tied = collections.OrderedDict(embedding=matrix, decoder=matrix, bias=torch.ones(4))
    nested = {"epoch": 3, "lr": 1e-3, "name": "toy", "flags": [True, None, (1, 2.5, "x")], "best": float("inf"), "big": 2**70,
              "negative": -5, "model": {"encoder": {"weight": base.float()}, "bias": whole[0]}, "state": module.state_dict()}
    documents = {
        "dtypes": (dtypes, dtypes),
        "views": (views, views),
        "parameter": ({"weight": torch.nn.Parameter(base.float()), "frozen": torch.nn.Parameter(base[0].double(), requires_grad=False)},) * 2,
        "state_dict": (module.state_dict(),) * 2,
        "tied": (tied, tied),
        "nested": (nested, nested),
        "tensor": (base.float(), {"": base.float()}),
        "list": ([base.float(), whole], {"0": base.float(), "1": whole}),
    }
    for name, (document, flat) in documents.items():
        torch.save(document, folder / f"{name}.pt")
        save_torch(contiguous(flat), folder / f"{name}.safetensors")
    for name in ("dtypes", "views", "tied", "state_dict"):
        torch.save(documents[name][0], folder / f"{name}_legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(documents["tied"][0], folder / "tied_protocol4.pt", pickle_protocol=4)

    objects = {"args": argparse.Namespace(lr=0.1, layers=[1, 2], name="x"), "hparams": Unknown(), "model": {"weight": base.float()},
               "path": pathlib.PurePosixPath("runs/1"), "array": np.arange(3.0)}
    torch.save(objects, folder / "objects.pt")
    save_torch({"model.weight": base.float()}, folder / "objects.safetensors")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    make_npy(options.out / "npy")
    make_torch(options.out / "torch")
    for folder in ("npy", "torch"):
        for file in (options.out / folder).iterdir():
            file.chmod(0o644)


if __name__ == "__main__":
    main()
