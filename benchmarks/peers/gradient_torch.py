"""The gradient of a number of the last hidden state with respect to the embedded words, by PyTorch autograd, one thread."""

import common


def main():
    a = common.arguments()
    import torch

    from encoder import Encoder

    torch.set_num_threads(1)
    encode, rows = common.tokenizer(a), []
    ids = torch.tensor(common.padded(encode(a.lines), 1)[0])
    work = common.flops(a, encode(a.lines))
    for fmt in a.formats:
        model = Encoder(a.model, a.config).eval()
        model = model.bfloat16() if fmt == "bf16" else model

        def gradient():
            words = model.words[ids].detach().requires_grad_(True)
            last = model.states(ids, None, words)[-1]
            pattern = torch.where((torch.arange(last.numel()).view_as(last) % 3) == 0, 1.0, -0.5).to(last.dtype)
            (last * pattern).sum().backward()
            return words.grad

        def forward():
            with torch.inference_mode():
                return model.states(ids)[-1]

        gradient(), forward()
        who = f"torch {torch.__version__.split('+')[0]}"
        rows.append(common.row(f"forward/{a.case}/{fmt}/t1", who, 1, work, common.measure(forward, 1, a.repeats)))
        rows.append(common.row(f"gradient/{a.case}/{fmt}/t1", who + " autograd", 1, 2 * work,
                               common.measure(gradient, 1, a.repeats)))
    common.finish("gradient_torch.py", rows, ["torch"])


common.run("gradient_torch.py", main)
