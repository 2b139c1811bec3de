"""Embeddings of all layers by ONNX Runtime: the graph of encoder.py, exported, all optimisations on. float32 only:
its CPU provider has no bfloat16 products."""

import tempfile

import common


def main():
    a = common.arguments()
    import onnxruntime
    import torch

    from encoder import Encoder, keep_mask

    torch.set_grad_enabled(False)
    encode, rows = common.tokenizer(a), []
    model = Encoder(a.model, a.config).eval()
    ragged = len({len(line) for line in a.lines}) > 1 or model.post
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/encoder.onnx"
        ids = torch.tensor(encode([a.lines[0]] * 2))
        mask = torch.ones_like(ids)
        inputs = (ids, keep_mask(ids, common.special_ids(a))) + ((mask,) if ragged else ())
        names = ["ids", "keep"] + (["mask"] if ragged else [])
        torch.onnx.export(model, inputs, file, input_names=names, output_names=["pooled"], opset_version=17, dynamo=False,
                          dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names})
        for threads in a.threads:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

            def embed(ids, mask, special):
                ids = torch.tensor(ids)
                feed = {"ids": ids.numpy(), "keep": keep_mask(ids, special).numpy()}
                if ragged:
                    feed["mask"] = (torch.ones_like(ids) if mask is None else torch.tensor(mask)).numpy()
                return session.run(["pooled"], feed)[0]

            who = f"onnxruntime {onnxruntime.__version__}"
            rows += common.end_to_end(a, who, embed, "f32", threads, encode, lambda n: None)
    common.finish("embed_onnx.py", a, rows, ["onnxruntime", "onnx", "torch"])


common.run("embed_onnx.py", main)
