"""Products by oneDNN's matmul through its C interface (PyPI: onednn-cpu-gomp), weights packed in the layout it chooses."""

import ctypes
import os
import pathlib
import sys

import common
import products

F32, BF16 = 3, 2       # dnnl_data_type_t
TAG_ANY = 1            # dnnl_format_tag_any: the library chooses
SRC, WEIGHTS, DST, FROM, TO = 1, 33, 17, 1, 17
QUERY_WEIGHTS = 131    # dnnl_query_weights_md


class Argument(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_int), ("memory", ctypes.c_void_p)]


def check(status):
    if status != 0:
        raise RuntimeError(f"oneDNN returned {status}")


class Library:
    def __init__(self):
        file = pathlib.Path(sys.prefix) / "lib" / "libdnnl.so.3"
        if not file.exists():
            raise ImportError("no libdnnl.so.3: pip install onednn-cpu-gomp")
        self.c = ctypes.CDLL(str(file))
        self.engine, self.stream = ctypes.c_void_p(), ctypes.c_void_p()
        check(self.c.dnnl_engine_create(ctypes.byref(self.engine), 1, ctypes.c_size_t(0)))
        check(self.c.dnnl_stream_create(ctypes.byref(self.stream), self.engine, 1))

    def describe(self, rows, columns, kind, strides=None):
        d = ctypes.c_void_p()
        dims = (ctypes.c_int64 * 12)(rows, columns)
        if strides is None:
            check(self.c.dnnl_memory_desc_create_with_tag(ctypes.byref(d), 2, dims, kind, TAG_ANY))
        else:
            steps = (ctypes.c_int64 * 12)(*strides)
            check(self.c.dnnl_memory_desc_create_with_strides(ctypes.byref(d), 2, dims, kind, steps))
        return d

    def memory(self, descriptor):
        m = ctypes.c_void_p()
        everywhere = ctypes.c_void_p(2 ** 64 - 1)  # DNNL_MEMORY_ALLOCATE
        check(self.c.dnnl_memory_create(ctypes.byref(m), descriptor, self.engine, everywhere))
        return m

    def fill(self, memory, values):
        handle = ctypes.c_void_p()
        check(self.c.dnnl_memory_get_data_handle(memory, ctypes.byref(handle)))
        ctypes.memmove(handle, values.ctypes.data, values.nbytes)

    def read(self, memory, values):
        handle = ctypes.c_void_p()
        check(self.c.dnnl_memory_get_data_handle(memory, ctypes.byref(handle)))
        ctypes.memmove(values.ctypes.data, handle, values.nbytes)

    def execute(self, primitive, arguments):
        list_ = (Argument * len(arguments))(*[Argument(a, m.value) for a, m in arguments])

        def run():
            check(self.c.dnnl_primitive_execute(primitive, self.stream, len(arguments), list_))
            check(self.c.dnnl_stream_wait(self.stream))

        return run

    def primitive(self, make, *arguments):
        d, p = ctypes.c_void_p(), ctypes.c_void_p()
        check(make(ctypes.byref(d), *arguments))
        check(self.c.dnnl_primitive_create(ctypes.byref(p), d))
        return d, p

    def rounded(self, x):
        """A memory of x in bfloat16, and the function that fills it with x, which stays float."""
        plain, short = self.describe(*x.shape, F32, (x.shape[1], 1)), self.describe(*x.shape, BF16, (x.shape[1], 1))
        source, target = self.memory(plain), self.memory(short)
        self.fill(source, x)
        _, reorder = self.primitive(self.c.dnnl_reorder_primitive_desc_create, plain, self.engine, short, self.engine, None)
        return target, self.execute(reorder, [(FROM, source), (TO, target)])

    def product(self, x, w, kind, from_float=False):
        """y = x w^T as a function without arguments, and one that returns y; from_float: x is rounded in it."""
        import numpy

        (m, k), n = x.shape, w.shape[0]
        source, any_weight = self.describe(m, k, kind, (k, 1)), self.describe(k, n, kind)
        target = self.describe(m, n, F32, (n, 1))
        d, p = self.primitive(self.c.dnnl_matmul_primitive_desc_create, self.engine, source, any_weight, None, target, None)
        self.c.dnnl_primitive_desc_query_md.restype = ctypes.c_void_p
        packed_md = ctypes.c_void_p(self.c.dnnl_primitive_desc_query_md(d, QUERY_WEIGHTS, 0))
        plain_md = self.describe(k, n, kind, (1, k))
        target_memory = self.memory(target)
        source_memory, round_x = self.rounded(x) if from_float else (self.memory(source), None)
        plain, packed = self.memory(plain_md), self.memory(packed_md)
        if not from_float:
            self.fill(source_memory, x)
        self.fill(plain, w)
        _, reorder = self.primitive(self.c.dnnl_reorder_primitive_desc_create, plain_md, self.engine, packed_md, self.engine, None)
        self.execute(reorder, [(FROM, plain), (TO, packed)])()
        multiply = self.execute(p, [(SRC, source_memory), (WEIGHTS, packed), (DST, target_memory)])

        def run():
            if round_x:
                round_x()
            multiply()

        def result():
            y = numpy.empty((m, n), numpy.float32)
            self.read(target_memory, y)
            return y

        return run, result


def as_bf16(x):
    """Round to nearest even, as 16-bit integers."""
    import numpy

    bits = x.view(numpy.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)


def measure(arguments):
    """One case in this process, whose number of threads OMP_NUM_THREADS has set.

    In bf16 twice: x rounded beforehand, and in the run from floats, which is what dnalm's product does.
    """
    import numpy

    case, fmt, m, n, k, threads = arguments
    library = Library()
    random = numpy.random.default_rng(1)
    x = random.standard_normal((m, k), numpy.float32)
    w = random.standard_normal((n, k), numpy.float32)
    kind = BF16 if fmt == "bf16" else F32
    who = "oneDNN " + common.version("onednn-cpu-gomp")
    rows = []
    for from_float in (False, True) if kind == BF16 else (False,):
        given = as_bf16(x) if kind == BF16 and not from_float else x
        run, result = library.product(given, as_bf16(w) if kind == BF16 else w, kind, from_float)
        run()
        wrong = float(numpy.abs(result() - x @ w.T).max())
        if wrong > (0.2 if kind == BF16 else 1e-3) * k ** 0.5:
            raise RuntimeError(f"a wrong product: off by {wrong}")
        name = who + " from floats" if from_float else who
        rows.append(products.result(case, name, m, n, k, threads, products.timed(run)))
    return rows


def main():
    import multiprocessing

    import numpy  # noqa: F401

    Library()
    rows = []
    for arguments in products.cases():
        os.environ["OMP_NUM_THREADS"] = str(arguments[-1])
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rows.extend(pool.apply(measure, (arguments,)))
    common.finish("linear_onednn.py", None, rows, ["onednn-cpu-gomp", "numpy"])


if __name__ == "__main__":
    common.run("linear_onednn.py", main)
