"""Saliency by PyTorch autograd and integrated gradients by captum, both by the embedded words: the cases of bench_saliency."""

import common


def outputs_of(torch, model, ids, width):
    """The probe of bench_saliency on the mean over tokens, CLS left out, as a function of the embedded words."""
    weights = torch.where(torch.arange(width) % 3 == 0, 1.0, -0.5)

    def outputs(rows_of_words):
        last = model.states(ids[:1].expand(rows_of_words.shape[0], -1), None, rows_of_words)[-1]
        return last[:, 1:].float().mean(1) @ weights

    return outputs


def fastest(settings, run):
    """The setting whose second pass takes the least wall time; the first makes what a setting makes once."""
    seconds = {}
    for setting in settings:
        run(setting)
        seconds[setting] = min(common.measure(lambda: run(setting), 1, 1)[0])
    return min(seconds, key=seconds.get)


def main():
    a = common.arguments(nodes=50, compile="no")
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

        def saliency(batch, forward=outputs):
            for first in range(0, len(words), batch):
                leaf = words[first:first + batch].clone().requires_grad_(True)
                forward(leaf).sum().backward()

        def paths(batch, nodes):
            captum.attribute(words[:1], torch.zeros_like(words[:1]), n_steps=nodes, method="gausslegendre",
                             internal_batch_size=batch)

        for threads in a.threads:
            torch.set_num_threads(threads)
            name = f"{a.case}/{fmt}/t{threads}"
            batch = fastest(sorted({min(size, len(words)) for size in a.batch}), saliency)
            forwards = {"autograd": outputs}
            if a.compile == "yes":
                torch._dynamo.reset()
                forwards["compiled"] = torch.compile(outputs, dynamic=False)
            for kind, forward in forwards.items():
                saliency(batch, forward)
                times = common.measure(lambda: saliency(batch, forward), threads, a.repeats)
                rows.append(common.row(f"saliency/{name}", f"{who} {kind}", threads, work, times, batch=batch))
            batch = fastest(a.batch, lambda size: paths(size, 8))
            times = common.measure(lambda: paths(batch, int(a.nodes)), threads, (a.repeats + 1) // 2)
            rows.append(common.row(f"integrated_gradients/{name}", f"captum {common.version('captum')}", threads,
                                   int(a.nodes) * work / len(a.lines), times, batch=batch))
    common.finish("saliency_torch.py", a, rows, ["torch", "captum"])


common.run("saliency_torch.py", main)
