"""Write tokenizer.json files of the kinds that DNA models use, and what the Hugging Face tokenizers make of them.

    python make_tokenizers_json.py --out .. [--gena DIR]

DIR holds the published GENA-LM tokenizers (`data/tokenizers` of github.com/AIRI-Institute/GENA_LM, MIT):
human/BPE_32k/tokenizer.json and t2t_1000h_multi_32k/tokenizer.json. They are read, not copied.

`tokenizers/json/<name>/tokenizer.json`: the two GENA-LM pipelines with vocabularies of 1,500 tokens trained on generated
letters, and the pipelines of GPN (BPE without merges) and SpliceBERT (WordPiece of single letters).

`tokenizers/json/<name>.hash.bin`: 5,000 numbers (little-endian uint32), number b the hash of the hashes of groups 5 b .. 5 b + 4.
Group g are the golden sequences 4 g .. 4 g + 3 of make_tokenizers.py as `variant` below changes them; its hash is that of, for
each of the four, the number of tokens, then id, begin and end of each. `gena_human_32k` and `gena_t2t_32k` are the published
files.

`tokenizers/json/odd.json`: odd texts through the same pipelines. `tokenizers/json/components.json`: small tokenizers, each
with one setting turned, and random texts. Offsets count bytes.

Offsets are the reference's but for one rule: a token made from replaced text covers all that was replaced, where the reference
gives the last letter of it. Special tokens that frame a sequence have begin = end (0, or the length of the text).
"""

import argparse
import json
import pathlib
import random

import numpy as np
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors, trainers

from make_tokenizers import COUNT, block_hashes, random_sequence

SPECIALS = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
GROUP = 4
GROUPS = 5


def variant(text, index, name):
    """What is tokenized in place of golden sequence `index`: longer runs of N, white space at the ends; SpliceBERT gets
    letters with blanks between."""
    if index % 2 == 1:
        text = text.replace("N", "N" * (7 + index % 9))
    if index % 5 == 0:
        text = " \t" + text + "\n "
    if name == "splicebert" and index % 4 != 0:
        text = " ".join(text)
    return text


def letters(stream, count, alphabet):
    """Letters with some structure: each depends on the two before it."""
    size = len(alphabet)
    weights = stream.random((size, size, size)) ** 4
    cumulative = np.cumsum(weights, axis=2)
    draws = stream.random(count)
    out, a, b = [], 0, 1
    for draw in draws:
        row = cumulative[a, b]
        a, b = b, min(int(np.searchsorted(row, draw * row[-1])), size - 1)
        out.append(alphabet[b])
    return "".join(out)


def train(tokenizer, alphabet, extra, stream):
    trainer = trainers.BpeTrainer(vocab_size=1500, special_tokens=SPECIALS + extra, show_progress=False,
                                  initial_alphabet=list(alphabet))
    texts = [letters(stream, 4000, "ACGT") + "N" * int(stream.integers(1, 9)) + letters(stream, 500, "ACGT") for _ in range(60)]
    tokenizer.train_from_iterator(texts, trainer)


def save(tokenizer, folder, changes=None):
    folder.mkdir(parents=True, exist_ok=True)
    document = json.loads(tokenizer.to_str())
    for key, value in (changes or {}).items():
        document["model"][key] = value
    merges = document["model"].get("merges")
    if merges and isinstance(merges[0], list):  # as the published files have them
        document["model"]["merges"] = [" ".join(pair) for pair in merges]
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(text)
    return tokenizers.Tokenizer.from_str(text)


def template():
    return processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                         special_tokens=[("[CLS]", 1), ("[SEP]", 2)])


def gena_human(folder):
    tokenizer = tokenizers.Tokenizer(models.BPE(unk_token="[UNK]"))
    train(tokenizer, "\nACGT", [], np.random.Generator(np.random.PCG64(3)))
    tokenizer.post_processor = template()
    return save(tokenizer, folder)


def gena_t2t(folder):
    tokenizer = tokenizers.Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Strip(), normalizers.Replace(tokenizers.Regex("N{10,}"), "-")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split("-", behavior="isolated")
    train(tokenizer, "-ABCGKMNRSTWY", ["-"], np.random.Generator(np.random.PCG64(4)))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return save(tokenizer, folder)


def gpn(folder):
    vocabulary = {t: i for i, t in enumerate(["[PAD]", "[MASK]", "[UNK]", "a", "c", "g", "t"])}
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["[PAD]", "[MASK]", "[UNK]"])
    return save(tokenizer, folder)


def splicebert(folder):
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "N", "A", "C", "G", "T"]
    vocabulary = {t: i for i, t in enumerate(names)}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(names[:5])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return save(tokenizer, folder)


# --- what is compared -------------------------------------------------------------------------------------------------

def with_frame(tokenizer, text, prefix, suffix, replaced=None):
    """id, begin, end of each token; so many framing tokens before and behind. `replaced`: (id, letter) of a token that
    stands for a whole run of a letter."""
    encoding = tokenizer.encode(text)
    out = []
    count = len(encoding.ids)
    for i, (id, (begin, end)) in enumerate(zip(encoding.ids, encoding.offsets)):
        if i < prefix or i >= count - suffix:
            begin = end = 0 if i < prefix else len(text)
        elif replaced and id == replaced[0] and text[begin] == replaced[1]:
            while begin > 0 and text[begin - 1] == replaced[1]:
                begin -= 1
        out.append([id, begin, end])
    return out


def to_bytes(text, tokens):
    """Offsets in characters to offsets in bytes."""
    at = [0]
    for character in text:
        at.append(at[-1] + len(character.encode()))
    return [[id, at[begin], at[end]] for id, begin, end in tokens]


ODD = ["", " ", "\t\n ", "A", " A ", "ACGT", "acgt", "AcGt", "N", "N" * 9, "N" * 10, "N" * 11, "N" * 25, "ANNNNNNNNNNA",
       "NNNNNNNNNN NNNNNNNNNN", "-", "--", "A-C", "A--C", "-A-", "NNNNNNNNNN-NNNNNNNNNN", "NNNNNNNNNNnNNNNNNNNNN", "RYKMSWBDHV",
       "ACGTRYACGT", "[MASK]", "[MASK][MASK]", " [MASK] ", "  A [MASK]  C ", "A[MASK]C", "[mask]", "[MASK", "MASK]", "[[MASK]]",
       "[CLS]A[SEP]", "[PAD][UNK]", "A\nC", "A\n\nC\n", "\nA", "A\r\nC", "A\x00C", "A\x0bC", "A\x0cC", "A\x1cC", "A\x7fC", "ACGT.ACGT",
       "A,C;G", "A_C", "A1C", "12 34", "ACGTACGTAC" * 30, "A" * 300, "CA" * 200, "A C G T", "N " * 12, "!A", "A!!C", "<mask>"]
BEYOND = ["é", "AéC", "A é C", "ACGT中ACGT", "中文", "A\u00a0C", "A\u3000C", "\u3000A\u3000", "A\u212aC", "A\u0130C", "\u0130", "🧬ACGT🧬",
          "A\u0301C", "NNNNNNNNNNéNNNNNNNNNN", "é-é", "[MASK]é[MASK]", "A\ufeffC", "A\u2028C", "\u00c0\u00c9", "A\u00adC"]


def write_pipelines(folder, pipelines):
    sequences = [random_sequence(i) for i in range(COUNT)]
    for name, (tokenizer, prefix, suffix, replaced) in pipelines.items():
        groups = []
        for first in range(0, COUNT, GROUP):
            flat = []
            for index in range(first, first + GROUP):
                text = variant(sequences[index], index, name)
                tokens = with_frame(tokenizer, text, prefix, suffix, replaced)
                flat.append(len(tokens))
                flat.extend(number for token in tokens for number in token)
            groups.append(flat)
        block_hashes(groups, GROUPS).tofile(folder / f"{name}.hash.bin")
        print(name, "done", flush=True)


def write_odd(folder, pipelines):
    cases = []
    for name, (tokenizer, prefix, suffix, replaced) in pipelines.items():
        for text in ODD + ([] if name == "splicebert" else BEYOND):
            tokens = to_bytes(text, with_frame(tokenizer, text, prefix, suffix, replaced))
            cases.append({"pipeline": name, "text": text, "tokens": tokens})
    (folder / "odd.json").write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


# --- one setting at a time ----------------------------------------------------------------------------------------------

VOCABULARY = ["[UNK]", "[CLS]", "[SEP]", "A", "C", "G", "T", "N", "a", "-", " ", "AA", "AC", "CA", "AAA", "ACA", "GT", "NN", "--", "0", "1",
              "ACGT", "CAC", "AAAA", "##A", "##C", "##AC"]
MERGES = ["A A", "C A", "AA A", "A C", "G T", "AC A", "N N", "- -", "AC GT", "CA C", "AA AA"]
SHUFFLED = ["AC A", "AA AA", "AC GT", "A A", "CA C", "A C", "AA A", "C A", "G T", "- -", "N N"]


def bpe(**changes):
    base = {"type": "BPE", "dropout": None, "unk_token": "[UNK]", "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {t: i for i, t in enumerate(VOCABULARY)}, "merges": MERGES}
    return {**base, **changes}


def token(id, content, **flags):
    base = {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": True}
    return {**base, **flags}


def document(model=None, normalizer=None, pre_tokenizer=None, post_processor=None, added=()):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [token(0, "[UNK]"), *added],
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": post_processor, "decoder": None,
            "model": model or bpe()}


def split(pattern, behavior, invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def component_documents():
    yield "plain", document()
    yield "shuffled", document(bpe(merges=SHUFFLED))
    yield "fuse_unk", document(bpe(fuse_unk=True))
    yield "ignore_merges", document(bpe(ignore_merges=True, merges=MERGES[:4]), pre_tokenizer={"type": "WhitespaceSplit"})
    yield "word_level", document({"type": "WordLevel", "vocab": bpe()["vocab"], "unk_token": "[UNK]"},
                                 pre_tokenizer={"type": "Whitespace"})
    yield "word_level_split", document({"type": "WordLevel", "vocab": bpe()["vocab"], "unk_token": "[UNK]"},
                                       pre_tokenizer=split({"Regex": "."}, "Isolated"))
    yield "word_piece", document({"type": "WordPiece", "vocab": bpe()["vocab"], "unk_token": "[UNK]",
                                  "continuing_subword_prefix": "##", "max_input_chars_per_word": 6},
                                 pre_tokenizer={"type": "WhitespaceSplit"})
    yield "word_piece_no_prefix", document({"type": "WordPiece", "vocab": bpe()["vocab"], "unk_token": "[UNK]",
                                            "continuing_subword_prefix": "", "max_input_chars_per_word": 100},
                                           pre_tokenizer={"type": "BertPreTokenizer"})
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            for number, pattern in enumerate([{"String": "-"}, {"String": "AC"}, {"Regex": "A{2,3}"}, {"Regex": "-+|[A-C]"},
                                              {"Regex": "\\s+|[^A\\s]"}, {"Regex": "N{2}A|C-"}]):
                yield f"split_{behavior}_{invert}_{number}", document(pre_tokenizer=split(pattern, behavior, invert))
        yield f"punctuation_{behavior}", document(pre_tokenizer={"type": "Punctuation", "behavior": behavior})
    for individual in (False, True):
        yield f"digits_{individual}", document(pre_tokenizer={"type": "Digits", "individual_digits": individual})
    yield "words", document(pre_tokenizer={"type": "Whitespace"})
    yield "words_split", document(pre_tokenizer={"type": "WhitespaceSplit"})
    yield "bert_words", document(pre_tokenizer={"type": "BertPreTokenizer"})
    yield "two_splitters", document(pre_tokenizer={"type": "Sequence", "pretokenizers": [
        {"type": "Whitespace"}, split({"Regex": "A{2,}"}, "MergedWithNext"), {"type": "Digits", "individual_digits": True}]})
    for left in (False, True):
        yield f"strip_{left}", document(normalizer={"type": "Strip", "strip_left": left, "strip_right": not left})
    yield "lowercase", document(normalizer={"type": "Lowercase"})
    yield "nfkc", document(normalizer={"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "StripAccents"}]})
    for clean in (False, True):
        for lower in (False, True):
            yield f"bert_normalizer_{clean}_{lower}", document(
                normalizer={"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": True,
                            "strip_accents": None, "lowercase": lower}, pre_tokenizer={"type": "BertPreTokenizer"})
    for number, (pattern, content) in enumerate([({"Regex": "N{2,}"}, "-"), ({"String": "AC"}, ""), ({"Regex": "[0-9]"}, "NN"),
                                                 ({"Regex": "\\s"}, ""), ({"String": "A"}, "CA"), ({"Regex": "C{1,2}"}, "G")]):
        replace = {"type": "Replace", "pattern": pattern, "content": content}
        yield f"replace_{number}", document(normalizer=replace)
        yield f"replace_twice_{number}", document(normalizer={"type": "Sequence", "normalizers": [
            replace, {"type": "Strip", "strip_left": True, "strip_right": True},
            {"type": "Replace", "pattern": {"String": "G"}, "content": "AC"}, {"type": "Lowercase"}]})
    yield "prepend", document(normalizer={"type": "Prepend", "prepend": "AC"})
    for flag in ("lstrip", "rstrip", "single_word", "normalized"):
        yield f"added_{flag}", document(normalizer={"type": "Lowercase"}, added=[token(27, "[M]", **{flag: True})])
    yield "added_longest", document(added=[token(27, "A-"), token(28, "A-C"), token(29, "-CA", special=False)])
    yield "added_normalized", document(normalizer={"type": "Replace", "pattern": {"String": "G"}, "content": "N"},
                                       added=[token(27, "GN", normalized=True, special=False), token(28, "NG")])
    frame = {"sep": ["[SEP]", 2], "cls": ["[CLS]", 1]}
    without_space = bpe(vocab={("_" if t == " " else t): i for i, t in enumerate(VOCABULARY)})
    yield "roberta", document(without_space, post_processor={"type": "RobertaProcessing", **frame, "trim_offsets": True,
                                                             "add_prefix_space": False})
    single = [{"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
              {"Sequence": {"id": "A", "type_id": 0}}]
    yield "two_processors", document(post_processor={"type": "Sequence", "processors": [
        {"type": "BertProcessing", **frame},
        {"type": "TemplateProcessing", "single": single, "pair": single + [{"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]},
                            "[SEP]": {"id": "[SEP]", "ids": [2, 2], "tokens": ["[SEP]", "[SEP]"]}}}]})


FRAMES = {"roberta": (1, 1), "two_processors": (4, 1)}


def write_components(folder):
    stream = random.Random(5)
    entries = []
    for name, description in component_documents():
        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(description))
        # tokenizers 0.19.1 gives (0, 0) within the word for a word that ignore_merges finds whole
        changes_offsets = name.startswith(("replace", "prepend", "ignore_merges"))
        prefix, suffix = FRAMES.get(name, (0, 0))
        cases = []
        for _ in range(24):
            alphabet = stream.choice(["ACGTN- ", "AAAC", "ACNN--  \t\n01", "AaCcGT[M] -", "AG N"])
            text = "".join(stream.choice(alphabet) for _ in range(stream.randrange(0, 24)))
            if stream.randrange(3) == 0:
                at = stream.randrange(len(text) + 1)
                text = text[:at] + stream.choice(["[M]", " [M] ", "A-C", "[UNK]", "gn", "NG", "A[M]", "-CA"]) + text[at:]
            tokens = with_frame(tokenizer, text, prefix, suffix)
            cases.append([text, [t[0] for t in tokens] if changes_offsets else tokens])
        entries.append({"name": name, "tokenizer": description, "cases": cases})
    (folder / "components.json").write_text(
        "[\n" + ",\n".join(json.dumps(e, separators=(",", ":")) for e in entries) + "\n]\n")
    print(len(entries), "component files")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--gena", type=pathlib.Path)
    parser.add_argument("--no-sequences", action="store_true", help="leave the hashes as they are")
    options = parser.parse_args()
    folder = options.out / "tokenizers" / "json"
    folder.mkdir(parents=True, exist_ok=True)
    t2t = gena_t2t(folder / "gena_t2t")
    pipelines = {"gena_human": (gena_human(folder / "gena_human"), 1, 1, None), "gena_t2t": (t2t, 1, 1, (5, "N")),
                 "gpn": (gpn(folder / "gpn"), 0, 0, None), "splicebert": (splicebert(folder / "splicebert"), 1, 1, None)}
    assert t2t.token_to_id("-") == 5
    write_components(folder)
    write_odd(folder, pipelines)
    if options.gena:
        for name, path in (("gena_human_32k", "human/BPE_32k"), ("gena_t2t_32k", "t2t_1000h_multi_32k")):
            tokenizer = tokenizers.Tokenizer.from_file(str(options.gena / path / "tokenizer.json"))
            pipelines[name] = (tokenizer, 1, 1, (5, "N") if "t2t" in name else None)
    if not options.no_sequences:
        write_pipelines(folder, pipelines)
    meta = {"count": COUNT, "sequences in a group": GROUP, "groups in a number": GROUPS, "versions": {"tokenizers": tokenizers.__version__}}
    (folder / "META.json").write_text(json.dumps(meta, indent=2) + "\n")


if __name__ == "__main__":
    main()
