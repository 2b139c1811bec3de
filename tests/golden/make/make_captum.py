"""Golden saliency maps and integrated gradients by captum, of published code on golden checkpoints, in float64.

    HYENA_CODE=DIR python make_captum.py --golden .. --out ../attribution

Needs requirements.txt, captum 0.8.0 and, for the network of make_deep_lift.py, tangermeme; HYENA_CODE as for make_hyena.py. Writes
captum_<case>.safetensors, versions in its metadata:

    bert    models/bert_splice (letters), BertForMaskedLM of transformers
    nt      models/nt_v2_d24_bin (3-mers and single letters), EsmForMaskedLM with NT-v2's gate (make_models.py)
    hyena   hyena/original, the authors' standalone_hyenadna.py
    basset  supervised/basset, the layers of make_deep_lift.py

What is explained: of token models sum over channels d of w[d] times the mean of the last hidden state over the tokens of bases,
w[d] = 1 where d is a multiple of 3, else -0.5; of basset its first prediction. Columns are A, C, G, T. The row of a k-mer at columns
p is the sum over all k-mers of the product of their bases' weights times the table's row, by one einsum.

Tensors: sequence, other (letters), value, saliency (4, L), integrated.<baseline> (4, L) and value.<baseline> of the baselines
`zero` (not where a norm without eps to speak of reads the words first), `uniform` (1/4) and `array` (the letters of `other`), 50 nodes of
Gauss and Legendre; for bert integrated.mask (L): the path from the mask token's rows, summed over the channels of each token.
Of basset the columns [240, 360) alone, and <map>.sum of all.
"""

import argparse
import json
import pathlib
import platform

import captum
import numpy as np
import torch
from captum.attr import IntegratedGradients, Saliency
from safetensors.torch import save_file

import make_deep_lift
import make_hyena
import make_models
import make_models_more
from make_gradients import word_module

torch.set_grad_enabled(True)  # make_models turned it off
LETTERS = "ACGT"
NODES = 50
STRETCH = slice(240, 360)


def random_letters(length, seed):
    return "".join(np.random.default_rng(seed).choice(list(LETTERS), length))


def one_hot(text):
    x = torch.zeros(1, 4, len(text), dtype=torch.float64)
    for i, letter in enumerate(text):
        x[0, LETTERS.index(letter), i] = 1
    return x


class TokenScalar:
    """The number that is explained, from the rows that the word embedding looks up. `frame`: tokens before and behind."""

    def __init__(self, model, hidden, table_rows, bases, before, behind):
        self.model, self.hidden, self.before, self.behind = model, hidden, before, behind
        self.module = word_module(model)
        self.words = self.module.weight.detach()
        self.tables = [self.words[rows] for rows in table_rows]  # for each token (4,) * k rows of the table
        self.bases = bases  # for each token the positions of its bases

    def rows(self, columns):
        """(batch, tokens of bases, D)."""
        made = []
        for table, (first, count) in zip(self.tables, self.bases):
            value = table
            for position in reversed(range(first, first + count)):
                subscripts = "...ad,na->n...d" if position == first + count - 1 else "n...ad,na->n...d"
                value = torch.einsum(subscripts, value, columns[:, :, position])
            made.append(value)
        return torch.stack(made, dim=1)

    def of_rows(self, rows):
        batch = rows.shape[0]
        frame = [self.words[[i]].expand(batch, 1, -1) for i in self.before], [self.words[[i]].expand(batch, 1, -1) for i in self.behind]
        words = torch.cat([*frame[0], rows, *frame[1]], dim=1)
        handle = self.module.register_forward_hook(lambda module, arguments, output: words)
        ids = torch.tensor([self.before + [self.behind[0] if self.behind else 0] * rows.shape[1] + self.behind]).expand(batch, -1)
        last = self.hidden(self.model, ids)
        handle.remove()
        weights = torch.where(torch.arange(last.shape[-1]) % 3 == 0, 1.0, -0.5).double()
        return last[:, len(self.before):len(self.before) + rows.shape[1]].mean(dim=1) @ weights

    def __call__(self, columns):
        return self.of_rows(self.rows(columns))


# --- the cases --------------------------------------------------------------------------------------------------------

def letter_rows(first, length):
    """Tables of `length` tokens of one base each, A, C, G, T numbered from `first` on."""
    return [torch.arange(first, first + 4)] * length, [(i, 1) for i in range(length)]


def bert(golden, length):
    model = make_models_more.as_double(make_models_more.load_case("bert_splice", golden / "models")[0])
    hidden = lambda model, ids: model(input_ids=ids, output_hidden_states=True).hidden_states[-1]
    return TokenScalar(model, hidden, *letter_rows(6, length), [2], [3])


def nt(golden, length):
    """vocab.txt of the test: six special tokens, the 3-mers of A, T, C, G in this order, A, T, C, G, N."""
    model = make_models.GatedEsmForMaskedLM.from_pretrained(golden / "models" / "nt_v2_d24_bin").eval()
    place = torch.tensor(["ATCG".index(letter) for letter in LETTERS])
    kmers = 6 + 16 * place[:, None, None] + 4 * place[None, :, None] + place[None, None, :]
    whole, rest = length // 3, length % 3
    tables = [kmers] * whole + [70 + place] * rest
    bases = [(3 * t, 3) for t in range(whole)] + [(3 * whole + i, 1) for i in range(rest)]
    hidden = lambda model, ids: model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True).hidden_states[-1]
    return TokenScalar(make_models_more.as_double(model), hidden, tables, bases, [3], [])


def hyena(golden, length):
    folder = golden / "hyena" / "original"
    config = json.loads((folder / "config.json").read_text())
    model = make_hyena.import_original().HyenaDNAModel(**config).eval()
    make_hyena.opaque("omegaconf.base", "ContainerMetadata")
    make_hyena.opaque("omegaconf.nodes", "AnyNode")
    make_hyena.opaque("omegaconf.dictconfig", "DictConfig")
    stored = torch.load(folder / "weights.ckpt", weights_only=False)["state_dict"]
    model.load_state_dict({key: stored["model." + key] for key in model.state_dict()})
    model = model.double()
    for block in model.backbone.layers:
        block.residual_in_fp32 = False
    return TokenScalar(model, lambda model, ids: model(ids), *letter_rows(7, length), [0], [1])


def basset(golden, length):
    network = make_deep_lift.basset(golden / "supervised" / "basset")
    return lambda columns: network(columns)[:, 0]


CASES = {
    "bert": dict(make=bert, length=16, baselines=("zero", "uniform", "array"), mask=4),
    "nt": dict(make=nt, length=23, baselines=("uniform", "array")),
    "hyena": dict(make=hyena, length=40, baselines=("uniform", "array")),
    "basset": dict(make=basset, length=600, baselines=("zero", "uniform", "array"), stretch=True),
}


def explain(c, scalar, text, other):
    x, found = one_hot(text), {}
    found["value"] = scalar(x)
    found["saliency"] = Saliency(scalar).attribute(x.clone().requires_grad_(True), abs=False)[0]
    starts = {"zero": torch.zeros_like(x), "uniform": torch.full_like(x, 0.25), "array": one_hot(other)}
    options = dict(n_steps=NODES, method="gausslegendre", internal_batch_size=10)
    for name in c["baselines"]:
        found[f"integrated.{name}"] = IntegratedGradients(scalar).attribute(x, starts[name], **options)[0]
        found[f"value.{name}"] = scalar(starts[name])
    if "mask" in c:
        rows = scalar.rows(x)
        masks = scalar.words[c["mask"]].expand_as(rows).clone()
        found["integrated.mask"] = IntegratedGradients(scalar.of_rows).attribute(rows, masks, **options)[0].sum(dim=-1)
        found["value.mask"] = scalar.of_rows(masks)
    return {name: tensor.detach().double() for name, tensor in found.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--golden", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    versions = {"command": "python make_captum.py --golden .. --out ../attribution", "python": platform.python_version(),
                "torch": torch.__version__.split("+")[0], "captum": captum.__version__, "numpy": np.__version__}
    for name, c in CASES.items():
        text, other = random_letters(c["length"], 41), random_letters(c["length"], 42)
        found = explain(c, c["make"](options.golden, c["length"]), text, other)
        tensors = {"sequence": torch.tensor(list(text.encode()), dtype=torch.uint8),
                   "other": torch.tensor(list(other.encode()), dtype=torch.uint8)}
        for key, tensor in found.items():
            if c.get("stretch") and tensor.dim() == 2:
                tensors[key + ".sum"] = tensor.sum().reshape(1)
                tensor = tensor[:, STRETCH]
            tensors[key] = tensor.contiguous()
        file = options.out / f"captum_{name}.safetensors"
        save_file(tensors, file, versions)
        file.chmod(0o644)
        print(name, file.stat().st_size, "value", found["value"].item(), "largest slope", found["saliency"].abs().max().item())


if __name__ == "__main__":
    main()
