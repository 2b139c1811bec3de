"""Golden checkpoints of the relatives: BERT, GENA-LM, BigBird, ESM-2, RiNALMo, RNA-FM, ModernBERT, MultiMolecule's conversions.

    python make_models_more.py --out ../models

Three environments are needed (README.md beside this script): a case is made when its reference can be imported, and skipped with a
word otherwise, so the script is run once in each. It adds its cases to INDEX.json; run make_models.py before it.
The published code is found through GENA_CODE, RINALMO_CODE and RNAFM_CODE, folders named in README.md.

As in make_models.py every checkpoint is written first, loaded back from its folder by the reference, compared tensor by tensor, and
only then run. `load_case(name, models)` gives the model, a function that runs it, and the inputs, for other scripts.
"""

import argparse
import collections
import importlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import types

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()


# --- constants of the float64 run -------------------------------------------------------------------------------------

def angles(inv_freq, length):
    """float32(position) times float32 frequency, rounded to float32, then double: as the float32 models form them."""
    positions = torch.arange(length, dtype=torch.float32)
    angle = torch.outer(positions, inv_freq.to(torch.float32)).double()
    return torch.cat((angle, angle), dim=-1)


def patch_rotary(module):
    """Double cosines and sines of float32 angles, for each of the rotary classes met here."""
    kind = type(module).__name__
    home = type(module).__module__
    if kind == "RotaryEmbedding" and "models.esm" in home:
        def tables(self, x, seq_dimension=2):
            a = angles(self.inv_freq, x.shape[seq_dimension])
            return a.cos()[None, None], a.sin()[None, None]
        module._update_cos_sin_tables = types.MethodType(tables, module)
    elif kind == "RotaryEmbedding" and "gena" in home:
        def forward(self, x, seq_dim=1, seq_len=None):
            a = angles(self.inv_freq, seq_len)
            return a.cos()[None, None], a.sin()[None, None]
        module.forward = types.MethodType(forward, module)
    elif kind == "RotaryPositionEmbedding":  # RiNALMo
        def update(self, x, seq_dim):
            a = angles(self.inv_freq, x.shape[seq_dim])
            self.cos_cached, self.sin_cached = a.cos()[None, None], a.sin()[None, None]
        module._update_cached = types.MethodType(update, module)
    elif kind == "ModernBertRotaryEmbedding":
        def forward(self, x, position_ids):
            a = angles(self.inv_freq, position_ids.shape[1])
            return a.cos()[None], a.sin()[None]
        module.forward = types.MethodType(forward, module)
    elif kind == "RotaryEmbedding" and "multimolecule" in home:
        module.float_frequencies = module._compute_inv_freq(None, torch.float32)
        def forward(self, q, k, offset=0, seq_length=None):
            a = angles(self.float_frequencies, q.shape[-2])
            half = lambda x: torch.cat((-x[..., x.shape[-1] // 2:], x[..., :x.shape[-1] // 2]), dim=-1)
            return q * a.cos() + half(q) * a.sin(), k * a.cos() + half(k) * a.sin()
        module.forward = types.MethodType(forward, module)


def as_double(model):
    model = model.to(torch.float64).eval()
    for module in model.modules():
        patch_rotary(module)
    return model


# --- the references ---------------------------------------------------------------------------------------------------

def package(name, folder):
    """A package of published files, without running its __init__."""
    if name not in sys.modules:
        made = types.ModuleType(name)
        made.__path__ = [str(folder)]
        sys.modules[name] = made
    return sys.modules[name]


def code_folder(variable):
    folder = os.environ.get(variable)
    if not folder:
        raise ImportError(f"{variable} is not set")
    return pathlib.Path(folder)


def import_gena():
    package("gena_published", code_folder("GENA_CODE"))
    return importlib.import_module("gena_published.modeling_bert")


def import_rinalmo():
    """RiNALMo's own PyTorch attention; the imports of flash_attn, which it does not use then, are stubs."""
    for name in ("flash_attn", "flash_attn.layers", "flash_attn.layers.rotary", "flash_attn.bert_padding"):
        stub = sys.modules.setdefault(name, types.ModuleType(name))
        for thing in ("flash_attn_varlen_qkvpacked_func", "flash_attn_qkvpacked_func", "RotaryEmbedding", "unpad_input",
                      "pad_input"):
            setattr(stub, thing, None)
    package("rinalmo", code_folder("RINALMO_CODE") / "rinalmo")
    return importlib.import_module("rinalmo.model.model")


def import_rnafm():
    folder = code_folder("RNAFM_CODE") / "fm"
    fm = package("fm", folder)
    fm.Alphabet = importlib.import_module("fm.data").Alphabet
    fm.BioBertModel = importlib.import_module("fm.model.esm1").BioBertModel
    torch.serialization.add_safe_globals([argparse.Namespace, pathlib.PurePosixPath])
    return importlib.import_module("fm.pretrained")


class attributes(dict):
    __getattr__ = dict.__getitem__


def rinalmo_model(config):
    """The published class under a configuration of the published shape (rinalmo/config.py)."""
    vocabulary, width = config["vocab_size"], config["hidden_size"]
    share = dict(mask_ratio=0.15, mask_tkn_prob=0.8)
    model = attributes(
        embedding=dict(num_embeddings=vocabulary, embedding_dim=width, padding_idx=1),
        token_dropout=dict(active=config.get("token_dropout", True), mask_tkn_idx=4, pad_tkn_idx=1, **share),
        transformer=attributes(embed_dim=width, num_blocks=config["num_hidden_layers"],
                               num_heads=config["num_attention_heads"], use_rot_emb=True, attn_qkv_bias=False,
                               attention_dropout=0.1, transition_dropout=0.0, residual_dropout=0.1,
                               transition_factor=config["intermediate_size"] / width, use_flash_attn=False),
        lm_mask_head=dict(embed_dim=width, alphabet_size=vocabulary))
    return import_rinalmo().RiNALMo(attributes(model=model))


def rinalmo_to_file(state):
    """The names of the published files, which were trained with flash_attn: one matrix for queries, keys and values."""
    file = collections.OrderedDict()
    for name, value in state.items():
        if name.endswith("inv_freq") or ".to_k." in name or ".to_v." in name:
            continue
        if ".to_q." in name:
            value = torch.cat([state[name.replace("to_q", part)] for part in ("to_q", "to_k", "to_v")])
            name = name.replace("mh_attn.mh_attn.to_q", "mh_attn.Wqkv")
        file[name.replace("mh_attn.mh_attn.", "mh_attn.")] = value
    return file


def rinalmo_from_file(file):
    state = {}
    for name, value in file.items():
        if "Wqkv" in name:
            for part, chunk in zip(("to_q", "to_k", "to_v"), value.chunk(3)):
                state[name.replace("mh_attn.Wqkv", f"mh_attn.mh_attn.{part}")] = chunk
        else:
            state[name.replace("mh_attn.out_proj", "mh_attn.mh_attn.out_proj")] = value
    return state


def rnafm_args(config):
    return argparse.Namespace(
        arch="roberta_large", encoder_layers=config["num_hidden_layers"], encoder_embed_dim=config["hidden_size"],
        encoder_ffn_embed_dim=config["intermediate_size"], encoder_attention_heads=config["num_attention_heads"],
        max_positions=config["max_position_embeddings"] - 2, token_dropout=config.get("token_dropout", False),
        data=pathlib.PurePosixPath("rna"), seed=7)


class hooks:
    """Outputs of modules, in the order in which they run."""

    def __init__(self, modules):
        self.seen = []
        grab = lambda module, args, output: self.seen.append(output[0] if isinstance(output, tuple) else output)
        self.handles = [module.register_forward_hook(grab) for module in modules]

    def close(self):
        for handle in self.handles:
            handle.remove()
        return self.seen


def run_transformers(model, inputs):
    out = model(**inputs, output_hidden_states=True)
    return list(out.hidden_states), out.logits


def run_modernbert(model, inputs):
    """The last hidden state is last_hidden_state: in transformers 4.48 to 4.57 hidden_states ends before the final norm, since 5 after."""
    watch = hooks([model.model.final_norm])
    out = model(**inputs, output_hidden_states=True)
    return list(out.hidden_states)[:-1] + watch.close(), out.logits


def run_rinalmo(model, inputs):
    assert torch.equal(inputs["attention_mask"] == 0, inputs["input_ids"] == 1)  # the code finds padding by the ids
    watch = hooks([model.token_dropout, *model.transformer.blocks, model.transformer.final_layer_norm])
    logits = model(inputs["input_ids"])["logits"]
    seen = watch.close()
    return seen[:-2] + seen[-1:], logits


def run_rnafm(model, inputs):
    assert torch.equal(inputs["attention_mask"] == 0, inputs["input_ids"] == 1)
    out = model(inputs["input_ids"], repr_layers=list(range(model.num_layers + 1)))
    return [out["representations"][k] for k in range(model.num_layers + 1)], out["logits"]


def run_multimolecule(model, inputs):
    out = model.model(**inputs, output_hidden_states=True)
    hidden = list(out.hidden_states)
    assert torch.equal(hidden[-1], out.last_hidden_state)
    return hidden, model.lm_head(out).logits


def load_transformers(class_name, folder):
    model, info = getattr(transformers, class_name).from_pretrained(folder, output_loading_info=True)
    check_loading(info)
    return model


def check_loading(info):
    ignored = ("position_ids", "pooler", "seq_relationship", "decoder", "contact_head")
    bad = [k for part in ("missing_keys", "unexpected_keys") for k in info[part] if not any(i in k for i in ignored)]
    assert not bad and not info["mismatched_keys"], info


def load_data_parallel(folder):
    """A .bin of a model under DataParallel: transformers wants the prefix stripped first."""
    model = transformers.BertForMaskedLM(transformers.BertConfig.from_pretrained(folder))
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    assert all(name.startswith("module.") for name in state)
    model.load_state_dict({name[len("module."):]: value for name, value in state.items()})
    return model


def load_gena(folder):
    gena = import_gena()
    model, info = gena.BertForMaskedLM.from_pretrained(folder, output_loading_info=True)
    check_loading(info)
    return model


def load_rinalmo(folder):
    config = json.loads((folder / "config.json").read_text())
    model = rinalmo_model(config)
    state = rinalmo_from_file(torch.load(folder / "pytorch_model.bin", weights_only=True))
    left = model.load_state_dict(state, strict=False)
    assert not left.unexpected_keys and all("inv_freq" in k for k in left.missing_keys), left
    return model


def load_rnafm(folder):
    """The authors' own loader, which asks for contact weights unless the name of the file says RNA-FM."""
    with tempfile.TemporaryDirectory() as place:
        file = pathlib.Path(place) / "RNA-FM_pretrained.pth"
        file.symlink_to((folder / "pytorch_model.bin").resolve())
        return import_rnafm().load_model_and_alphabet_local(file, theme="rna")[0]


def load_multimolecule(class_name, folder):
    import multimolecule
    model, info = getattr(multimolecule, class_name).from_pretrained(folder, output_loading_info=True)
    check_loading(info)
    return model


def build_multimolecule(config_name, class_name, config):
    import multimolecule
    kept = {k: v for k, v in config.items() if k not in ("model_type", "architectures")}
    return getattr(multimolecule, class_name)(getattr(multimolecule, config_name)(**kept))


def build_transformers(config_name, class_name, config):
    return getattr(transformers, class_name)(getattr(transformers, config_name)(**config))


def build_rnafm(config):
    fm = import_rnafm()
    names = {k.replace("encoder_", ""): v for k, v in vars(rnafm_args(config)).items()}
    names["emb_layer_norm_before"] = config.get("embed_norm", True)
    package("fm", None)
    return sys.modules["fm"].BioBertModel(argparse.Namespace(**names),
                                          sys.modules["fm"].Alphabet.from_architecture("roberta_large", "rna"))


# For each reference: how a fresh model of a configuration is made, how a folder is loaded, how a model is run.
REFERENCES = {
    "bert": (lambda c: build_transformers("BertConfig", "BertForMaskedLM", c),
             lambda f: load_transformers("BertForMaskedLM", f), run_transformers, "4.40"),
    "bert_data_parallel": (lambda c: build_transformers("BertConfig", "BertForMaskedLM", c),
                           load_data_parallel, run_transformers, "4.40"),
    "bert_pretraining": (lambda c: build_transformers("BertConfig", "BertForPreTraining", c),
                         lambda f: load_transformers("BertForMaskedLM", f), run_transformers, "4.40"),
    "big_bird": (lambda c: build_transformers("BigBirdConfig", "BigBirdForPreTraining", c),
                 lambda f: load_transformers("BigBirdForMaskedLM", f), run_transformers, "4.40"),
    "gena": (lambda c: import_gena().BertForMaskedLM(transformers.BertConfig(**c)), load_gena, run_transformers, "4.40"),
    "esm2": (lambda c: build_transformers("EsmConfig", "EsmForMaskedLM", c),
             lambda f: load_transformers("EsmForMaskedLM", f), run_transformers, "4.40"),
    "rinalmo": (rinalmo_model, load_rinalmo, run_rinalmo, "4.40"),
    "rnafm": (build_rnafm, load_rnafm, run_rnafm, "4.40"),
    "modernbert": (lambda c: build_transformers("ModernBertConfig", "ModernBertForMaskedLM", c),
                   lambda f: load_transformers("ModernBertForMaskedLM", f), run_modernbert, "4.57"),
    "mm_rnafm": (lambda c: build_multimolecule("RnaFmConfig", "RnaFmForPreTraining", c),
                 lambda f: load_multimolecule("RnaFmForPreTraining", f), run_multimolecule, "5."),
    "mm_rinalmo": (lambda c: build_multimolecule("RiNALMoConfig", "RiNALMoForMaskedLM", c),
                   lambda f: load_multimolecule("RiNALMoForMaskedLM", f), run_multimolecule, "5."),
    "mm_splicebert": (lambda c: build_multimolecule("SpliceBertConfig", "SpliceBertForMaskedLM", c),
                      lambda f: load_multimolecule("SpliceBertForMaskedLM", f), run_multimolecule, "5."),
}


# --- weights and files ------------------------------------------------------------------------------------------------

def random_state(shapes, seed):
    """As in make_models.py: activations of order 1, logits of order 1 to 10, LayerNorms that are not the default."""
    rng = np.random.Generator(np.random.PCG64(seed))
    state = collections.OrderedDict()
    for name, shape in shapes.items():
        z = rng.standard_normal(shape)
        if name.endswith(".beta") or name.endswith("intermediate.bias") and shape == (1,):
            value = 1 + 0.4 * np.clip(z, -2, 2)  # RiNALMo's gate
        elif len(shape) == 1:
            value = 1 + 0.2 * np.clip(z, -2, 2) if name.endswith("weight") else 0.15 * z
        elif "embed" in name:
            value = 0.5 * z
        elif any(part in name for part in ("query", "key", "qkv", "q_proj", "k_proj", "to_q", "to_k")):
            value = 1.8 * z / np.sqrt(shape[1])
        elif any(part in name for part in ("decoder", "lm_head.weight", "linear2")):
            value = 3.0 * z / np.sqrt(shape[1])
        else:
            value = 1.2 * z / np.sqrt(shape[1])
        state[name] = torch.from_numpy(value.astype(np.float32))
    return state


def write_weights(folder, case, state):
    kind = case["weights"]
    if kind == "safetensors":
        save_file({k: v.clone().contiguous() for k, v in state.items()}, folder / "model.safetensors", {"format": "pt"})
        return ["model.safetensors"]
    if kind == "shards":
        halves = [{}, {}]
        for i, (name, value) in enumerate(state.items()):
            halves[2 * i >= len(state)][name] = value
        names = [f"model-0000{i + 1}-of-00002.safetensors" for i in range(2)]
        for name, half in zip(names, halves):
            save_file({k: v.clone().contiguous() for k, v in half.items()}, folder / name, {"format": "pt"})
        index = {"metadata": {}, "weight_map": {k: n for n, half in zip(names, halves) for k in half}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
        return names + ["model.safetensors.index.json"]
    whole = state
    if kind == "fairseq":
        whole = {"args": rnafm_args(case["config"]), "model": state}
    torch.save(whole, folder / "pytorch_model.bin")
    return ["pytorch_model.bin"]


def make_inputs(case, seed):
    """A sequence of 7; a padded batch with mask tokens, one of the maximal length, one of a single token; a single token; token types
    or padding tokens under a mask of ones where the reference has them; `long`: one more, long sequence."""
    rng = np.random.Generator(np.random.PCG64(seed))
    c = case["config"]
    vocabulary, pad, mask, cls = c["vocab_size"], case["pad"], case["mask"], case["cls"]
    ordinary = [i for i in range(vocabulary) if i not in (pad, mask)]

    def sequence(length, masks=()):
        ids = rng.choice(ordinary, length)
        ids[0] = cls
        if length > 2:
            ids[length // 2] = max(ordinary)
        ids[list(masks)] = mask
        return ids

    def batch(rows):
        width = max(map(len, rows))
        ids = np.full((len(rows), width), pad, np.int64)
        attention = np.zeros((len(rows), width), np.int64)
        for r, row in enumerate(rows):
            ids[r, :len(row)] = row
            attention[r, :len(row)] = 1
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(attention)}

    short, longest = case["lengths"]
    inputs = [batch([sequence(7)]),
              batch([sequence(short, (4,)), sequence(longest, case.get("masks", (2, 5))), sequence(1)]),
              batch([sequence(1)])]
    if case.get("types"):
        inputs.append(batch([sequence(11, (3,)), sequence(5)]))
        inputs[-1]["token_type_ids"] = torch.tensor([[0] * 6 + [1] * 5, [1, 0, 1, 1, 0] + [0] * 6])
    if case.get("pads_inside"):
        odd = sequence(11, (3,))
        odd[6] = odd[7] = pad
        inputs.append(batch([odd]))
    if case.get("long"):
        inputs.append(batch([sequence(case["long"], (17, 101, 102))]))
    return inputs


# --- the cases --------------------------------------------------------------------------------------------------------

def sizes(H, A, L, I, V, P=None, **more):
    config = dict(hidden_size=H, num_attention_heads=A, num_hidden_layers=L, intermediate_size=I, vocab_size=V, **more)
    return dict(config, max_position_embeddings=P) if P else config


BERT = dict(reference="bert", pad=0, mask=4, cls=2, types=True, pads_inside=True, weights="safetensors")
BERT_CONFIG = dict(architectures=["BertForMaskedLM"], attention_probs_dropout_prob=0.1, hidden_act="gelu",
                   hidden_dropout_prob=0.1, initializer_range=0.02, type_vocab_size=2)
GENA = dict(BERT, reference="gena", arch="gena", pad=3, cls=1)
GENA_CONFIG = dict(BERT_CONFIG, model_type="bert", pad_token_id=3, pre_layer_norm=True, position_embedding_type="absolute")
ESM2_CONFIG = dict(architectures=["EsmForMaskedLM"], model_type="esm", emb_layer_norm_before=False, hidden_act="gelu",
                   initializer_range=0.02, is_folding_model=False, layer_norm_eps=1e-5, mask_token_id=32, pad_token_id=1,
                   position_embedding_type="rotary", token_dropout=True, esmfold_config=None, vocab_list=None)
ESM2 = dict(reference="esm2", arch="esm2", pad=1, mask=32, cls=0, pads_inside=True, weights="safetensors")
RINALMO = dict(reference="rinalmo", arch="rinalmo", pad=1, mask=4, cls=0, weights="bin")
RNAFM = dict(reference="rnafm", arch="rnafm", pad=1, mask=24, cls=0, weights="fairseq")
MODERN = dict(reference="modernbert", arch="modernbert", pad=3, mask=4, cls=1, pads_inside=True, weights="safetensors")
MODERN_CONFIG = dict(
    architectures=["ModernBertForMaskedLM"], model_type="modernbert", attention_bias=False, attention_dropout=0.0, bos_token_id=1,
    classifier_activation="gelu", classifier_bias=False, classifier_dropout=0.0, classifier_pooling="cls", cls_token_id=1,
    decoder_bias=True, deterministic_flash_attn=False, embedding_dropout=0.0, eos_token_id=2, global_attn_every_n_layers=3,
    global_rope_theta=160000.0, hidden_activation="gelu", initializer_cutoff_factor=2.0, initializer_range=0.02,
    local_attention=128, local_rope_theta=10000.0, mlp_bias=False, mlp_dropout=0.0, norm_bias=False, norm_eps=1e-5,
    pad_token_id=3, sep_token_id=2, tie_word_embeddings=True, reference_compile=False)
MM = dict(pad=0, mask=4, cls=1, weights="safetensors")

CASES = {
    "bert_dnabert": dict(
        BERT, arch="bert", reference="bert_pretraining", weights="bin", lengths=(9, 20), extras=True,
        config=dict(sizes(30, 3, 2, 41, 29, 20), **BERT_CONFIG),
        note="DNABERT 3-mers: config without model_type, .bin of BertForPreTraining with pooler, seq_relationship, position_ids"),
    "bert_splice": dict(
        BERT, arch="bert", lengths=(5, 18), drop=("decoder",),
        config=dict(sizes(24, 4, 2, 31, 10, 18), **BERT_CONFIG, model_type="bert", layer_norm_eps=1e-12, pad_token_id=0,
                    position_embedding_type="absolute", classifier_dropout=None, output_hidden_states=True),
        note="SpliceBERT: 10 tokens; safetensors without the tied decoder"),
    "bert_grover_shards": dict(
        BERT, arch="bert", weights="shards", lengths=(11, 17), drop=("decoder.weight",),
        config=dict(sizes(30, 5, 1, 33, 31, 17), **BERT_CONFIG, model_type="bert", layer_norm_eps=1e-5),
        note="two safetensors shards, layer_norm_eps 1e-5"),
    "bert_data_parallel": dict(
        BERT, arch="bert", reference="bert_data_parallel", weights="bin", lengths=(5, 16), prefix="module.",
        config=dict(sizes(24, 2, 1, 37, 23, 16), **dict(BERT_CONFIG, hidden_act="gelu_new", type_vocab_size=3),
                    model_type="bert", tie_word_embeddings=False),
        note="names with module. before them, an untied decoder, gelu_new"),
    "gena_preln": dict(
        GENA, weights="bin", lengths=(9, 18), extras=True,
        config=dict(sizes(30, 3, 2, 41, 29, 18), **GENA_CONFIG, layer_norm_eps=1e-12, last_layer_norm=False,
                    auto_map={"AutoModel": "modeling_bert.BertModel", "AutoModelForMaskedLM": "modeling_bert.BertForMaskedLM"}),
        note="GENA-LM without a last norm, .bin"),
    "gena_lastln": dict(
        GENA, lengths=(6, 17), drop=("decoder.weight",),
        config=dict(sizes(24, 2, 2, 37, 23, 17), **GENA_CONFIG, layer_norm_eps=1e-5),
        note="GENA-LM with a last norm by default, layer_norm_eps 1e-5"),
    "gena_rope": dict(
        GENA, weights="bin", lengths=(9, 26),
        config=dict(sizes(30, 3, 2, 37, 23, 26), **dict(GENA_CONFIG, position_embedding_type="rotary"), layer_norm_eps=1e-12,
                    last_layer_norm=False, rotary_base=5000, rotary_dim=8),
        note="dense, 8 of 10 channels of each head rotated, base 5000"),
    "big_bird": dict(
        BERT, arch="big_bird", reference="big_bird", weights="bin", lengths=(9, 28), pad=3, cls=1,
        config=dict(sizes(24, 4, 1, 37, 23, 64), **dict(BERT_CONFIG, architectures=["BigBirdForPreTraining"], hidden_act="gelu_new"),
                    model_type="big_bird", layer_norm_eps=1e-12, pad_token_id=3, attention_type="block_sparse", block_size=4,
                    num_random_blocks=1, position_embedding_type="absolute", rescale_embeddings=False, use_bias=True,
                    bos_token_id=1, eos_token_id=2, sep_token_id=2),
        note="BigBird within the 28 tokens at which its attention is dense"),
    "esm2_tied": dict(
        ESM2, lengths=(9, 21), drop=("decoder",), extras=True,
        config=dict(sizes(30, 3, 2, 31, 33, 26), **ESM2_CONFIG),
        note="ESM-2: tied head, token dropout, heads of 10"),
    "esm2_bin": dict(
        ESM2, weights="bin", lengths=(12, 24),
        config=dict(sizes(28, 2, 1, 33, 33, 30), **ESM2_CONFIG, tie_word_embeddings=True),
        note="ESM-2 .bin with the tied decoder; heads of 14"),
    "rinalmo": dict(
        RINALMO, lengths=(9, 23), masks=(2, 5, 20),
        config=dict(sizes(30, 3, 2, 120, 22), model_type="rinalmo", tensor_names="published"),
        note="RiNALMo under its published names: fused Wqkv without biases, a learnt gate slope, residuals from the normed input"),
    "rnafm": dict(
        RNAFM, lengths=(9, 20),
        config=dict(sizes(30, 5, 2, 41, 25, 22), model_type="rnafm", tensor_names="published"),
        note="RNA-FM .pth: fairseq names, args of argparse beside the weights, mask row set to 0 by the loader"),
    "rnafm_plain": dict(
        RNAFM, weights="fairseq", lengths=(7, 16), short_names=True,
        config=dict(sizes(24, 2, 1, 31, 25, 18), model_type="rnafm", tensor_names="published", embed_norm=False, token_dropout=True),
        note="no embedding norm (mRNA-FM), token dropout, names with encoder. only"),
    "modernbert": dict(
        MODERN, lengths=(9, 20), long=170, drop=("decoder.weight",),
        config=dict(sizes(24, 3, 4, 20, 13, 200), **MODERN_CONFIG),
        note="ModernBERT as ModernGENA: windows of 64 on either side, 170 tokens"),
    "modernbert_flags": dict(
        MODERN, weights="bin", lengths=(9, 30), without=("reference_compile",),
        config=dict(sizes(24, 2, 3, 21, 17, 64), **dict(
            MODERN_CONFIG, attention_bias=True, classifier_activation="silu", classifier_bias=True, decoder_bias=False,
            global_attn_every_n_layers=2, hidden_activation="gelu_pytorch_tanh", local_attention=11, local_rope_theta=None,
            mlp_bias=True, norm_bias=True, tie_word_embeddings=False)),
        note="every flag flipped; windows of 5, one rotary base, biases everywhere but in the decoder"),
    "multimolecule_rnafm": dict(
        MM, reference="mm_rnafm", arch="rnafm", lengths=(9, 20), drop=("decoder.weight",), pads_inside=True,
        config=dict(sizes(24, 3, 2, 33, 28, 23), model_type="rnafm"),
        note="MultiMolecule's RNA-FM: pad 0, positions from 2"),
    "multimolecule_rinalmo": dict(
        MM, reference="mm_rinalmo", arch="rinalmo", lengths=(8, 16), masks=(2, 5),
        config=dict(sizes(24, 3, 2, 96, 28, 50), model_type="rinalmo"),
        note="MultiMolecule's RiNALMo"),
    "multimolecule_splicebert": dict(
        MM, reference="mm_splicebert", arch="bert", lengths=(9, 16), drop=("lm_head.decoder.weight",), pads_inside=True,
        config=dict(sizes(24, 4, 1, 31, 28, 16), model_type="splicebert"),
        note="MultiMolecule's SpliceBERT"),
}


def published_extras(case, state):
    """Tensors that files carry and a masked-language model does not need."""
    c = case["config"]
    rng = np.random.Generator(np.random.PCG64(99))
    draw = lambda *shape: torch.from_numpy(rng.standard_normal(shape).astype(np.float32))
    if case["arch"] == "esm2":
        state["esm.embeddings.position_ids"] = torch.arange(c["max_position_embeddings"])[None]
    else:
        state["bert.embeddings.position_ids"] = torch.arange(c["max_position_embeddings"])[None]
    if case["arch"] == "gena":
        state["bert.pooler.dense.weight"] = draw(c["hidden_size"], c["hidden_size"])
        state["bert.pooler.dense.bias"] = draw(c["hidden_size"])


def to_file(case, state):
    """The state of the reference under the names of the published file."""
    if case["reference"] == "rinalmo":
        return rinalmo_to_file(state)
    if case["reference"] == "rnafm":
        state = {k: v for k, v in state.items() if "contact_head" not in k}
        if case.get("short_names"):
            return {"encoder." + k: v for k, v in state.items()}
        return {("encoder." if k.startswith("lm_head") else "encoder.sentence_encoder.") + k: v for k, v in state.items()}
    dropped = case.get("drop", ())
    return collections.OrderedDict((case.get("prefix", "") + k, v) for k, v in state.items()
                                   if not any(part in k for part in dropped))


def fill(model, seed):
    """Random weights for every parameter; tensors that share memory share their numbers."""
    fresh = model.state_dict()
    shapes = {k: tuple(v.shape) for k, v in fresh.items() if v.is_floating_point() and "inv_freq" not in k}
    state = random_state(shapes, seed)
    owner = {}
    for name in shapes:
        place = (fresh[name].data_ptr(), shapes[name])
        state[name] = state[owner.setdefault(place, name)]
    for name, value in fresh.items():
        if name not in state and ("inv_freq" in name or "position_ids" in name):
            state[name] = value.clone()
    return state


def load_folder(case, folder):
    return REFERENCES[case["reference"]][1](pathlib.Path(folder)).eval()


def load_case(name, models):
    """(model in float32, run(model, inputs) -> (hidden states, logits), list of inputs) of a case of this script."""
    case = CASES[name]
    folder = pathlib.Path(models) / name
    stored = load_file(folder / "expected.safetensors")
    inputs = []
    while f"case{len(inputs)}.input_ids" in stored:
        prefix = f"case{len(inputs)}."
        keys = ("input_ids", "attention_mask", "token_type_ids")
        inputs.append({key: stored[prefix + key] for key in keys if prefix + key in stored})
    return load_folder(case, folder), REFERENCES[case["reference"]][2], inputs


def expected_outputs(case, folder, inputs):
    run, layers = REFERENCES[case["reference"]][2], case["config"]["num_hidden_layers"]
    tensors, largest = {}, 0.0
    for dtype, prefix in ((torch.float32, "f32."), (torch.float64, "")):
        model = load_folder(case, folder)
        if dtype == torch.float64:
            model = as_double(model)
        for j, item in enumerate(inputs):
            hidden, logits = run(model, item)
            assert logits.dtype == dtype and all(h.dtype == dtype for h in hidden), case["note"]
            assert torch.isfinite(logits).all() and len(hidden) == layers + 1
            for name, tensor in item.items():
                tensors[f"case{j}.{name}"] = tensor
            tensors[f"case{j}.{prefix}logits"] = logits.contiguous()
            for k in range(layers + 1) if dtype == torch.float64 else [layers]:
                tensors[f"case{j}.{prefix}hidden.{k}"] = hidden[k].contiguous().clone()
            if dtype == torch.float64:
                keep = item["attention_mask"].bool()
                gap = (logits - tensors[f"case{j}.f32.logits"].double())[keep].abs().max().item()
                largest = max(largest, gap)
    return tensors, largest


def make_case(name, case, seed, out):
    build = REFERENCES[case["reference"]][0]
    model = build(case["config"])
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    state = to_file(case, fill(model, seed))
    if case.get("extras"):
        published_extras(case, state)
    config = {k: v for k, v in case["config"].items() if k not in case.get("without", ())}
    if case["reference"].startswith("mm_"):
        config = {k: v for k, v in model.config.to_dict().items() if k not in ("_name_or_path", "transformers_version")}
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    files = write_weights(folder, case, state)
    loaded = to_file(case, load_folder(case, folder).state_dict())
    zeroed = case["reference"] == "rnafm"  # its loader changes the mask row
    for key, value in state.items():
        if key in loaded and not (zeroed and ("embed_tokens" in key or key.endswith("lm_head.weight"))):
            assert torch.equal(loaded[key], value), key
    assert all(key in state or any(p in key for p in ("decoder", "inv_freq")) for key in loaded), set(loaded) - set(state)
    inputs = make_inputs(case, 1000 + seed)
    tensors, gap = expected_outputs(case, folder, inputs)
    save_file({k: v.clone() for k, v in tensors.items()}, folder / "expected.safetensors", {"format": "pt"})
    for file in folder.iterdir():
        file.chmod(0o644)
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name:26s} {size:8d} B  |logit| max {tensors['case0.logits'].abs().max():6.2f}  f32 vs f64 {gap:.1e}")
    return {"name": name, "architecture": case["arch"], "reference": case["reference"], "config": f"{name}/config.json",
            "weights": [f"{name}/{f}" for f in files], "expected": f"{name}/expected.safetensors", "inputs": len(inputs),
            "layers": case["config"]["num_hidden_layers"], "note": case["note"],
            "largest_f32_logit_gap": float(f"{gap:.1e}"), "transformers": transformers.__version__}


def main():
    torch.set_grad_enabled(False)
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*", help="names of cases")
    options = parser.parse_args()
    made = {}
    for seed, (name, case) in enumerate(CASES.items(), start=101):
        version = REFERENCES[case["reference"]][3]
        if options.only is not None and name not in options.only:
            continue
        if not transformers.__version__.startswith(version):
            print(f"{name:26s} skipped: wants transformers {version}*, this is {transformers.__version__}")
            continue
        made[name] = make_case(name, case, seed, options.out)
    index = json.loads((options.out / "INDEX.json").read_text())
    order = {name: i for i, name in enumerate(CASES)}
    kept = [entry for entry in index["cases"] if entry["name"] not in made]
    old = [entry for entry in kept if entry["name"] not in order]
    new = [entry for entry in kept if entry["name"] in order] + list(made.values())
    index["cases"] = old + sorted(new, key=lambda entry: order[entry["name"]])
    (options.out / "INDEX.json").write_text(json.dumps(index, indent=2) + "\n")


if __name__ == "__main__":
    main()
