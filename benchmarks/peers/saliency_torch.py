"""Saliency by PyTorch autograd and integrated gradients by captum, both by the embedded words: the cases of bench_saliency."""

import common


def outputs_of(torch, model, ids, width):
    """The probe of bench_saliency on the mean over tokens, CLS left out, as a function of the embedded words."""
    weights = torch.where(torch.arange(width) % 3 == 0, 1.0, -0.5)

    def outputs(rows_of_words):
        last = model.states(ids[:1].expand(rows_of_words.shape[0], -1), None, rows_of_words)[-1]
        return last[:, 1:].float().mean(1) @ weights

    return outputs


def fastest(sizes, run, threads, repeats, warm):
    """The times of the best batch size; `warm`: a first call of each does not count."""
    best = None
    for size in sizes:
        if warm:
            run(size)
        times = common.measure(lambda: run(size), threads, repeats)
        best = min(best or times, times, key=lambda t: min(t[0]))
    return best


def main():
    a = common.arguments(nodes=50)
    import torch
    from captum.attr import IntegratedGradients

    from encoder import Encoder

    encode, rows = common.tokenizer(a), []
    ids = torch.tensor(encode(a.lines))
    work = 2 * common.flops(a, ids.tolist())
    who = f"torch {torch.__version__.split('+')[0]}"
    for fmt in a.formats:
        model = Encoder(a.model, a.config).eval()
        model = model.bfloat16() if fmt == "bf16" else model
        words = model.words[ids].detach()
        outputs = outputs_of(torch, model, ids, words.shape[-1])
        captum = IntegratedGradients(outputs)

        def saliency(batch):
            for first in range(0, len(words), batch):
                leaf = words[first:first + batch].clone().requires_grad_(True)
                outputs(leaf).sum().backward()

        def paths(batch):
            captum.attribute(words[:1], torch.zeros_like(words[:1]), n_steps=int(a.nodes), method="gausslegendre",
                             internal_batch_size=batch)

        for threads in a.threads:
            torch.set_num_threads(threads)
            best = fastest(a.batch, saliency, threads, a.repeats, True)
            rows.append(common.row(f"saliency/{a.case}/{fmt}/t{threads}", who + " autograd", threads, work, best))
            best = fastest(a.batch, paths, threads, max(1, a.repeats // 3), False)
            rows.append(common.row(f"integrated_gradients/{a.case}/{fmt}/t{threads}", f"captum {common.version('captum')}",
                                   threads, int(a.nodes) * work / len(a.lines), best))
    common.finish("saliency_torch.py", a, rows, ["torch", "captum"])


common.run("saliency_torch.py", main)
