"""Embeddings of all layers by the plain PyTorch encoder (encoder.py) on a GPU: bf16, eager and torch.compile.

The work is that of bench_cuda_embed: text to pooled vectors in host memory, tokens and copies included. Several batches are
tried, the fastest counts. Where python has no torch or torch no GPU, the document says so.
"""

import common
import on_gpu


def load(a, torch):
    from encoder import Encoder

    return Encoder(a.model, a.config).eval().bfloat16().cuda(), torch.__version__.split("+")[0]


def embedder(torch, network):
    from encoder import keep_mask

    def embed(ids, mask, special):
        with torch.inference_mode():
            ids = torch.tensor(ids)
            mask = None if mask is None else torch.tensor(mask)
            return network(ids, keep_mask(ids, special), mask).cpu().numpy()

    return embed


def main():
    on_gpu.measure("cuda_torch.py", "torch ", load, embedder, ["torch", "tokenizers", "transformers"], fullgraph=True)


common.run("cuda_torch.py", main)
