"""Saliency by PyTorch autograd and integrated gradients by captum, both by the embedded words: the cases of bench_saliency."""

import common


def main():
    a = common.arguments(nodes=50)
    import torch
    from captum.attr import IntegratedGradients

    from encoder import Encoder

    encode, rows = common.tokenizer(a), []
    ids = torch.tensor(encode(a.lines))
    work = 3 * common.flops(a, ids.tolist())
    model = Encoder(a.model, a.config).eval()
    words = model.words[ids].detach()
    weights = torch.where(torch.arange(words.shape[-1]) % 3 == 0, 1.0, -0.5)
    who = f"torch {torch.__version__.split('+')[0]}"

    def outputs(rows_of_words):
        """The probe on the mean over tokens, CLS left out."""
        return model.states(ids[:1].expand(rows_of_words.shape[0], -1), None, rows_of_words)[-1][:, 1:].mean(1) @ weights

    def saliency(batch):
        for first in range(0, len(words), batch):
            leaf = words[first:first + batch].clone().requires_grad_(True)
            outputs(leaf).sum().backward()

    captum = IntegratedGradients(outputs)

    def paths(batch):
        captum.attribute(words[:1], torch.zeros_like(words[:1]), n_steps=int(a.nodes), method="gausslegendre",
                         internal_batch_size=batch)

    for threads in a.threads:
        torch.set_num_threads(threads)
        best = None
        for batch in a.batch:
            saliency(batch)
            times = common.measure(lambda: saliency(batch), threads, a.repeats)
            best = min(best or times, times, key=lambda t: min(t[0]))
        rows.append(common.row(f"saliency/{a.case}/f32/t{threads}", who + " autograd", threads, work, best))
        best = None
        for batch in a.batch:
            times = common.measure(lambda: paths(batch), threads, max(1, a.repeats // 3))
            best = min(best or times, times, key=lambda t: min(t[0]))
        rows.append(common.row(f"integrated_gradients/{a.case}/f32/t{threads}", f"captum {common.version('captum')}", threads,
                               int(a.nodes) * work / len(a.lines), best))
    common.finish("saliency_torch.py", a, rows, ["torch", "captum"])


common.run("saliency_torch.py", main)
