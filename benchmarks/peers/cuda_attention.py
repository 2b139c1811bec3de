"""Attention alone in PyTorch on a GPU, bf16: every backend of scaled_dot_product_attention, cuDNN's among them.

The shapes are those of bench_cuda_attention: 64 k tokens of 41, 171 and 1,001, heads of 32, 64 and 128 channels, 512 in all.
Device time of 5 calls; each backend is a row. What PyTorch refuses is told.
"""

import json
import statistics

import common


def measure(torch, call, repeats=15, count=5):
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    times = []
    for r in range(-2, repeats):
        begin.record()
        for _ in range(count):
            call()
        end.record()
        end.synchronize()
        if r >= 0:
            times.append(begin.elapsed_time(end) * 1e-3 / count)
    return times


def main():
    import torch

    if not torch.cuda.is_available():
        print(json.dumps({"program": "cuda_attention.py", "missing": "torch finds no GPU"}))
        return
    from torch.nn.attention import SDPBackend, sdpa_kernel

    width, rows, refused = 512, [], []
    who = f"torch {torch.__version__.split('+')[0]}, {torch.cuda.get_device_name(0)}"
    for head in (32, 64, 128):
        for length in (41, 171, 1001):
            batch = max(1, 65536 // length)
            packed = torch.randn(batch, length, 3, width // head, head, device="cuda", dtype=torch.bfloat16)
            q, k, v = packed.permute(2, 0, 3, 1, 4)
            for name in ("CUDNN_ATTENTION", "FLASH_ATTENTION", "EFFICIENT_ATTENTION"):
                try:
                    with torch.inference_mode(), sdpa_kernel(getattr(SDPBackend, name)):
                        times = measure(torch, lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v))
                except (AttributeError, RuntimeError) as problem:
                    refused.append(f"{name} L{length}xK{head}: {str(problem).strip().splitlines()[0][:80]}")
                    continue
                work = 4 * batch * length * length * width
                row = common.row(f"cuda_attention/bf16/L{length}xK{head}", f"{who}, {name.lower()}", 1, work, (times, times),
                                 clock="device", tokens=batch * length)
                assert row["median_wall"] == statistics.median(times)
                rows.append(row)
    document = {"program": "cuda_attention.py", "rows": rows}
    if refused:
        document["failed"] = "; ".join(refused)
    print(json.dumps(document))


common.run("cuda_attention.py", main)
