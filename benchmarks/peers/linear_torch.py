"""Products by torch.nn.functional.linear: MKL or oneDNN in float32, whichever PyTorch takes, oneDNN in bfloat16."""

import common
import products


def main():
    import torch

    torch.set_grad_enabled(False)
    rows = []
    for case, fmt, m, n, k, threads in products.cases():
        kind = torch.bfloat16 if fmt == "bf16" else torch.float32
        torch.set_num_threads(threads)
        x, w = torch.randn(m, k).to(kind), torch.randn(n, k).to(kind)
        settings = [("linear", w)]
        if torch.backends.mkldnn.is_available():
            settings.append(("mkldnn packed", torch.ops.mkldnn._reorder_linear_weight(w, m)))
        for how, weight in settings:
            if how == "linear":
                product = lambda: torch.nn.functional.linear(x, weight)
            else:
                product = lambda: torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
            who = f"torch {torch.__version__.split('+')[0]} {how}"
            with torch.inference_mode():
                rows.append(products.result(case, who, m, n, k, threads, products.timed(product)))
    common.finish("linear_torch.py", None, rows, ["torch"])


common.run("linear_torch.py", main)
