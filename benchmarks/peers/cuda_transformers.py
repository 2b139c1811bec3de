"""Embeddings of all layers by transformers' own class (esm_transformers.py) on a GPU: bf16, eager and torch.compile.

Work, clock and batches are those of cuda_torch.py.
"""

import common
import esm_transformers
import on_gpu


def load(a, torch):
    import transformers

    transformers.logging.set_verbosity_error()
    return esm_transformers.load(a, torch, transformers, "cuda").bfloat16(), transformers.__version__


def embedder(torch, network):
    def embed(ids, mask, special):
        return esm_transformers.pooled(torch, network, ids, mask, special).cpu().numpy()

    return embed


def main():
    packages = ["transformers", "torch", "tokenizers"]
    on_gpu.measure("cuda_transformers.py", "transformers ", load, embedder, packages, esm_transformers.refused)


common.run("cuda_transformers.py", main)
