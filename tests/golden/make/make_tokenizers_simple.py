"""Write what the reference tokenizers of k-mers and single letters make of the 100,000 random sequences.

    python make_tokenizers_simple.py --reference DIR --out ../tokenizers [--only NAME ...]

The sequences are those of make_tokenizers.py. Two files a tokenizer, each 5,000 little-endian uint32:

  NAME.literal.hash.bin   the text as it is (policy `literal`)
  NAME.plain.hash.bin     the text without anything but the letters ACGTN of either case, prepared as the
                          model's authors do it: upper case, U as T or T as U, k-mers (policy `error`)

Number b is the low 32 bits of FNV-1a-64 over the hashes of the sequences 20 b .. 20 b + 19, each 4 bytes, little-endian;
the hash of a sequence is that of make_tokenizers.py, special tokens included.

Texts. Tokenizers of RNA (`rna` below) read the sequences of odd index with U for T. The one of proteins reads letter j of
"ACGT" at position i of a text as PROTEIN[(7 j + i) % 25].

Rules stated here, because the references read text that their users prepared:
  DNABERT    the text is split at special tokens and white space; each piece is cut into k-mers with stride 1 (`seq2kmer`
             of the authors' README), pieces shorter than k give none; ids by BertTokenizer
  SpliceBERT characters are put between blanks, special tokens stay
  RNA-FM, RiNALMo (the authors' alphabets)  special tokens are found first; the pieces between them go to the alphabet

DIR holds the published code, unchanged: tokenization_dna.py (jerryji1993/DNABERT), hg38_char_tokenizer.py
(HazyResearch/hyena-dna), tokenization_hyena.py (LongSafari/hyenadna-*-hf), tokenization_caduceus.py
(kuleshov-group/caduceus), rinalmo/data (lbcb-sci/RiNALMo), fm/{data,constants}.py (ml4bio/RNA-FM),
multimolecule/tokenisers (DLS5-Omics/multimolecule).
"""

import argparse
import itertools
import json
import pathlib
import re
import sys
import tempfile
import types

import tokenizers
import transformers

from make_tokenizers import BLOCK, COUNT, block_hashes, random_sequence

PROTEIN = "LAGVSERTIDPKQNFYMHWCXBUZO"
ESM2 = ["<cls>", "<pad>", "<eos>", "<unk>"] + list(PROTEIN + ".-") + ["<null_1>", "<mask>"]
ESM_RNA = ["<cls>", "<pad>", "<eos>", "<unk>"] + list("ACGURYKMSWBDHVN-") + ["<mask>"]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
GPN = {"version": "1.0", "truncation": None, "padding": None,
       "added_tokens": [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                         "special": True} for i, t in enumerate(["[PAD]", "[MASK]", "[UNK]"])],
       "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
       "model": {"type": "BPE", "dropout": None, "unk_token": "[UNK]", "continuing_subword_prefix": None,
                 "end_of_word_suffix": None, "fuse_unk": False,
                 "vocab": {"[PAD]": 0, "[MASK]": 1, "[UNK]": 2, "a": 3, "c": 4, "g": 5, "t": 6}, "merges": []}}


# --- texts ------------------------------------------------------------------------------------------------------------

def rna(text, index):
    return text.replace("T", "U").replace("t", "u") if index % 2 else text


def protein(text, index):
    return "".join(PROTEIN[(7 * "ACGT".index(c) + i) % 25] if c in "ACGT" else c for i, c in enumerate(text))


def same(text, index):
    return text


def clean(text):
    return re.sub("[^ACGTNacgtn]", "", text)


# --- references -------------------------------------------------------------------------------------------------------

def dnabert(k, folder):
    vocabulary = BERT + ["".join(p) for p in itertools.product("ATCG", repeat=k)]
    file = folder / f"dnabert{k}.txt"
    file.write_text("\n".join(vocabulary) + "\n")
    bert = transformers.BertTokenizer(str(file), do_lower_case=False)
    splitter = re.compile(r"(\[PAD\]|\[UNK\]|\[CLS\]|\[SEP\]|\[MASK\])|\s+")

    def words(text):
        found = []
        for piece in splitter.split(text):
            if piece in BERT:
                found.append(piece)
            elif piece:
                found += [piece[i:i + k] for i in range(len(piece) + 1 - k)]
        return found

    def encode(text):
        return bert.build_inputs_with_special_tokens(bert.convert_tokens_to_ids(words(text)))

    return encode, words, bert, file


def check_dnabert(k, folder, module, sequences):
    """The authors' own class and BertTokenizer, run on whole texts of k-mers, agree with `encode`."""
    encode, words, bert, file = dnabert(k, folder)
    own = module.DNATokenizer.__new__(module.DNATokenizer)
    own.vocab = module.load_vocab(str(file))
    own.basic_tokenizer = module.BasicTokenizer(do_lower_case=False)
    checked = 0
    for text in sequences:
        if re.search(r"[^A-Za-z0-9\s]", text):   # punctuation splits k-mers there, and no sequence holds it
            continue
        kmers = " ".join(words(text))
        ids = encode(text)
        assert bert(kmers)["input_ids"] == ids
        tokens = own.basic_tokenizer.tokenize(kmers)
        assert [own.vocab.get(t, own.vocab["[UNK]"]) for t in tokens] == ids[1:-1]
        checked += 1
    print(f"dnabert{k}: BertTokenizer and DNATokenizer agree on {checked} texts of k-mers")


def splicebert(folder):
    file = folder / "splicebert.txt"
    file.write_text("\n".join(BERT + list("NACGT")) + "\n")
    fast = transformers.BertTokenizerFast(str(file), do_lower_case=False, strip_accents=None)
    splitter = re.compile(r"(\[PAD\]|\[UNK\]|\[CLS\]|\[SEP\]|\[MASK\])")

    def encode(text):
        return fast(" ".join(p if p in BERT else " ".join(p) for p in splitter.split(text)))["input_ids"]

    return encode


def found_first(encode_piece, specials, cls, eos):
    splitter = re.compile("(" + "|".join(re.escape(t) for t in specials) + ")")

    def encode(text):
        ids = [cls]
        for piece in splitter.split(text):
            ids += [specials[piece]] if piece in specials else encode_piece(piece)
        return ids + [eos]

    return encode


def references(folder, directory):
    """NAME: (encode, preparation of the plain text, kind of text)."""
    sys.path.insert(0, str(directory))
    package = types.ModuleType("multimolecule")     # its __init__ would import every model
    package.__path__ = [str(directory / "multimolecule")]
    sys.modules["multimolecule"] = package
    from fm.data import Alphabet as FmAlphabet
    from multimolecule.tokenisers.rna.tokenization_rna import RnaTokenizer
    from rinalmo.data.alphabet import Alphabet as RinalmoAlphabet
    from tokenization_caduceus import CaduceusTokenizer
    from tokenization_hyena import HyenaDNATokenizer
    import hg38_char_tokenizer

    class CharacterTokenizer(hg38_char_tokenizer.CharacterTokenizer):
        """transformers 4.40 asks for the vocabulary while the constructor still runs; nothing else is changed."""

        def get_vocab(self):
            return {**{t: i for i, t in enumerate(["[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]"])},
                    **{c: i + 7 for i, c in enumerate(self.characters)}}

        def _convert_token_to_id(self, token):
            return self.get_vocab().get(token, 6) if not hasattr(self, "_vocab_str_to_int") else super()._convert_token_to_id(token)

    def hugging(tokenizer):
        return lambda text: tokenizer(text)["input_ids"]

    def esm(vocabulary, name):
        file = folder / f"{name}.txt"
        file.write_text("\n".join(vocabulary))
        return hugging(transformers.EsmTokenizer(str(file)))

    gpn_file = folder / "gpn.json"
    gpn_file.write_text(json.dumps(GPN))
    gpn = transformers.PreTrainedTokenizerFast(tokenizer_file=str(gpn_file), unk_token="[UNK]", pad_token="[PAD]",
                                               mask_token="[MASK]")
    fm = FmAlphabet.from_architecture("roberta_large", theme="rna")
    fm_specials = {t: fm.get_idx(t) for t in ("<cls>", "<pad>", "<eos>", "<unk>", "<mask>")}
    ri = RinalmoAlphabet()
    ri_specials = {t: ri.get_idx(t) for t in ("<cls>", "<pad>", "<eos>", "<unk>", "<mask>")}
    upper = str.upper
    to_u = lambda text: text.upper().replace("T", "U")
    to_t = lambda text: text.upper().replace("U", "T")
    table = {f"dnabert{k}": (dnabert(k, folder)[0], upper, same) for k in (3, 4, 5, 6)}
    table |= {
        "splicebert": (splicebert(folder), to_t, rna),
        "hyenadna": (hugging(HyenaDNATokenizer()), upper, same),
        "hyenadna_character": (hugging(CharacterTokenizer(characters=list("ACGTN"), model_max_length=1026)), upper, same),
        "caduceus": (hugging(CaduceusTokenizer(model_max_length=131072)), same_text, same),
        "gpn": (hugging(gpn), same_text, same),
        "esm2": (esm(ESM2, "esm2"), upper, protein),
        "esm_rna": (esm(ESM_RNA, "esm_rna"), to_u, rna),
        "rna_fm": (found_first(lambda p: [fm.get_idx(c) for c in p], fm_specials, fm.cls_idx, fm.eos_idx), to_u, rna),
        "rinalmo": (found_first(lambda p: ri.encode(p)[1:-1], ri_specials, ri.cls_idx, ri.eos_idx), same_text, rna),
        "multimolecule_rna": (hugging(RnaTokenizer()), same_text, rna),
    }
    return table


def same_text(text):
    return text


def own_dnabert_module(directory):
    """tokenization_dna.py without its package: the base class it names stands in."""
    package = types.ModuleType("dnabert")
    package.__path__ = [str(directory)]
    base = types.ModuleType("dnabert.tokenization_utils")
    base.PreTrainedTokenizer = base.PreTrainedTokenizerFast = transformers.PreTrainedTokenizer
    sys.modules |= {"dnabert": package, "dnabert.tokenization_utils": base}
    import importlib
    return importlib.import_module("dnabert.tokenization_dna")


# --- files ------------------------------------------------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reference", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    sequences = [random_sequence(i) for i in range(COUNT)]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        table = references(folder, options.reference.resolve())
        module = own_dnabert_module(options.reference.resolve())
        for name, (encode, prepare, kind) in table.items():
            if options.only and name not in options.only:
                continue
            if name.startswith("dnabert"):
                check_dnabert(int(name[-1]), folder, module, sequences[:4000])
            literal = [encode(kind(text, i)) for i, text in enumerate(sequences)]
            block_hashes(literal).tofile(options.out / f"{name}.literal.hash.bin")
            plain = []
            for i, text in enumerate(sequences):
                prepared = prepare(kind(clean(text).upper() if kind is protein else clean(text), i))
                plain.append(literal[i] if prepared == kind(text, i) else encode(prepared))
            block_hashes(plain).tofile(options.out / f"{name}.plain.hash.bin")
            print(name, "done", literal[14][:12], plain[14][:12], flush=True)
    meta = {"count": COUNT, "block": BLOCK, "protein": PROTEIN,
            "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}}
    (options.out / "META_simple.json").write_text(json.dumps(meta, indent=2) + "\n")


if __name__ == "__main__":
    main()
