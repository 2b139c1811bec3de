"""Mean embeddings of all layers of Sei and SpliceAI (supervised.py) in plain PyTorch, float32, one row for each way to run them."""

import common


def encoder(a):
    """Letters to ids 0 to 4. N is 0.25 in all channels of Sei, zeros in SpliceAI's."""
    letters = bytes.maketrans(b"ACGTN", bytes(range(5)))
    return lambda lines: [list(line.encode().translate(letters)) for line in lines]


def main():
    a = common.arguments()
    if len({len(line) for line in a.lines}) > 1:
        raise SystemExit("sequences of one length expected")
    import torch

    import supervised

    torch.set_grad_enabled(False)
    encode, rows = encoder(a), []
    table = torch.cat([torch.eye(4), torch.full((1, 4), 0.25 if a.config["model_type"] == "sei" else 0.0)])
    sample = table[torch.tensor(encode(a.lines[:1]))]
    who = f"torch {torch.__version__.split('+')[0]} "
    for name, run, operations in supervised.networks(a, sample):

        def embed(ids, mask, special):
            with torch.inference_mode():
                means = [state.float().flatten(2).mean(-1) for state in run(table[torch.tensor(ids)])]
                return means[-1].unsqueeze(0).numpy()

        a.operations = operations
        for threads in a.threads:
            rows += common.end_to_end(a, who + name, embed, "f32", threads, encode, torch.set_num_threads)
    common.finish("embed_supervised.py", a, rows, ["torch"])


common.run("embed_supervised.py", main)
