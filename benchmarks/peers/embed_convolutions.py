"""Embeddings of all layers by HyenaDNA (hyena.py, float32) and GPN (convnet.py, two layouts) in plain PyTorch, eager."""

import common


def embedder(torch, network, keep_mask):
    def embed(ids, mask, special):
        with torch.inference_mode():
            ids = torch.tensor(ids)
            return network(ids, keep_mask(ids, special)).numpy()

    return embed


def networks(torch, a, fmt):
    """(name, network); sequences of one length only, as neither knows a mask."""
    if a.config["model_type"] == "hyenadna":
        from hyena import Hyena

        return [("fft", Hyena(a.model, a.config))] if fmt == "f32" else []
    from convnet import ConvNet

    found = [("channels " + layout, ConvNet(a.model, a.config, layout)) for layout in ("first", "last")]
    return [(name, network.bfloat16() if fmt == "bf16" else network) for name, network in found]


def main():
    a = common.arguments()
    if len({len(line) for line in a.lines}) > 1:
        raise SystemExit("sequences of one length expected")
    import torch

    from encoder import keep_mask

    torch.set_grad_enabled(False)
    encode, rows = common.tokenizer(a), []
    who = f"torch {torch.__version__.split('+')[0]} "
    for fmt in a.formats:
        for name, network in networks(torch, a, fmt):
            for threads in a.threads:
                rows += common.end_to_end(a, who + name, embedder(torch, network, keep_mask), fmt, threads, encode,
                                          torch.set_num_threads)
    common.finish("embed_convolutions.py", a, rows, ["torch", "tokenizers"])


common.run("embed_convolutions.py", main)
