"""The gradient of a number of the last hidden state with respect to the embedded words, by PyTorch autograd, one thread."""

import common


def pattern_of(torch, last):
    """That of bench_gradient: 1 where row + column is a multiple of 3, else -0.5; rows are those of all sequences."""
    rows = torch.arange(last.shape[0] * last.shape[1])[:, None]
    columns = torch.arange(last.shape[2])[None]
    return torch.where((rows + columns) % 3 == 0, 1.0, -0.5).view_as(last).to(last.dtype)


def sample_of(words):
    """That of bench_gradient: eight channels of the middle row, and the largest size of a number."""
    flat = words.float().reshape(-1, words.shape[-1])
    return {"sample": flat[flat.shape[0] // 2, :8].tolist(), "largest_gradient": float(flat.abs().max())}


def main():
    a = common.arguments()
    import torch

    from encoder import Encoder

    torch.set_num_threads(1)
    encode, rows = common.tokenizer(a), []
    tokens, mask = common.padded(encode(a.lines), 1)
    if mask is not None:
        raise SystemExit("sequences of one length expected: rows of padding are not in the pattern")
    ids = torch.tensor(tokens)
    work = common.flops(a, tokens)
    for fmt in a.formats:
        model = Encoder(a.model, a.config).eval()
        model = model.bfloat16() if fmt == "bf16" else model

        def gradient():
            words = model.words[ids].detach().requires_grad_(True)
            last = model.states(ids, None, words)[-1]
            (last * pattern_of(torch, last)).sum().backward()
            return words.grad

        def forward():
            with torch.inference_mode():
                return model.states(ids)[-1]

        sample = sample_of(gradient())
        forward()
        who = f"torch {torch.__version__.split('+')[0]}"
        rows.append(common.row(f"forward/{a.case}/{fmt}/t1", who, 1, work, common.measure(forward, 1, a.repeats)))
        rows.append(common.row(f"gradient/{a.case}/{fmt}/t1", who + " autograd", 1, 2 * work,
                               common.measure(gradient, 1, a.repeats), **sample))
    common.finish("gradient_torch.py", a, rows, ["torch"])


common.run("gradient_torch.py", main)
