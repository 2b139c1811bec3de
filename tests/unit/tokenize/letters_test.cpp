// SPDX-License-Identifier: Apache-2.0
#include <dnalm/tokenize/nucleotide_tokenizer.hpp>
#include <dnalm/tokenize/overlapping_kmer_tokenizer.hpp>
#include <dnalm/tokenize/tokenizer.hpp>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <support/catch.hpp>

#include "letter_models.hpp"

using dnalm::index_t;
using dnalm::unknown_policy;
using dnalm_test::error_id_of;
using dnalm_test::temporary_folder;
using ids_type = std::vector<std::int32_t>;

namespace {

dnalm::tokenizer load(const temporary_folder& folder, unknown_policy policy = unknown_policy::error) {
  return dnalm::load_tokenizer(folder.path(), {.policy = policy});
}

dnalm::tokenizer dnabert(int k, unknown_policy policy = unknown_policy::error) {
  const temporary_folder folder;
  dnalm_test::write_dnabert(folder, k);
  return load(folder, policy);
}

dnalm::tokenizer splicebert(unknown_policy policy = unknown_policy::error) {
  const temporary_folder folder;
  folder.write("vocab.txt", dnalm_test::splicebert_vocabulary);
  return load(folder, policy);
}

dnalm::tokenizer with_config(const std::string& config, const std::string& vocabulary = "") {
  const temporary_folder folder;
  folder.write("tokenizer_config.json", config);
  if (!vocabulary.empty()) folder.write("vocab.txt", vocabulary);
  return load(folder);
}

std::string error_of(const dnalm::tokenizer& tokenizer, const std::string& text) {
  return error_id_of([&] { static_cast<void>(tokenizer.encode(text)); });
}

/// A folder of the data at hand, or nothing.
std::optional<std::filesystem::path> shared_data(const std::string& name) {
  const char* root = std::getenv("DNALM_SHARED_DATA");
  if (root == nullptr || *root == '\0') {
    WARN("skipped: set DNALM_SHARED_DATA to a folder that holds " << name);
    return std::nullopt;
  }
  const std::filesystem::path path = std::filesystem::path(root) / name;
  if (!std::filesystem::exists(path)) {
    WARN("skipped: no " << path);
    return std::nullopt;
  }
  return path;
}

}  // namespace

TEST_CASE("overlapping k-mers: worked examples of DNABERT", "[tokenize]") {
  const dnalm::tokenizer three = dnabert(3);
  const auto tokens = three.encode("ACGTN");
  REQUIRE(tokens.ids == ids_type{2, 16, 50, 1, 3});
  REQUIRE(tokens.begin == std::vector<index_t>{0, 0, 1, 2, 5});
  REQUIRE(tokens.end == std::vector<index_t>{0, 3, 4, 5, 5});
  REQUIRE(three.encode("acgtn").ids == tokens.ids);
  const dnalm::tokenizer six = dnabert(6);
  std::vector<std::string> kmers;
  for (const int id : six.encode("AATCTAATCTAGTC").ids) kmers.push_back(six.token(id));
  REQUIRE(kmers == std::vector<std::string>{"[CLS]", "AATCTA", "ATCTAA", "TCTAAT", "CTAATC", "TAATCT",
                                            "AATCTA", "ATCTAG", "TCTAGT", "CTAGTC", "[SEP]"});
  REQUIRE(six.encode("GGGGGG").ids == ids_type{2, 4100, 3});
  REQUIRE(six.vocabulary_size() == 4101);
  REQUIRE(six.special().sep == 3);
  REQUIRE(six.special().mask == 4);
  REQUIRE(six.description() == "overlapping 6-mers, 4101 tokens");
}

TEST_CASE("overlapping k-mers of every k and length are those cut by hand", "[tokenize]") {
  for (int k = 1; k <= 7; ++k) {
    std::vector<std::string> vocabulary = dnalm_test::dnabert_tokens(k);
    const dnalm::overlapping_kmer_tokenizer tokenizer(vocabulary, {}, "test");
    REQUIRE(tokenizer.k() == k);
    std::map<std::string, int> places;
    for (const std::string& token : vocabulary) places.emplace(token, static_cast<int>(places.size()));
    REQUIRE(places.size() == vocabulary.size());
    std::string text;
    for (std::size_t size = 0; size < 150; ++size) {
      text += size % 31 == 17 || size == 64 || size == 70 ? 'N' : "ACGT"[(size * size + size / 3) % 4];
      if (text.size() < static_cast<std::size_t>(k)) continue;
      ids_type expected = {2};
      for (std::size_t at = 0; at + static_cast<std::size_t>(k) <= text.size(); ++at) {
        const auto found = places.find(text.substr(at, static_cast<std::size_t>(k)));
        expected.push_back(found == places.end() ? 1 : found->second);
      }
      expected.push_back(3);
      REQUIRE(tokenizer.encode_sequence(text, unknown_policy::error, "text").ids == expected);
      REQUIRE(tokenizer.encode(text).ids == expected);
    }
  }
}

TEST_CASE("long runs are cut into blocks without a seam", "[tokenize]") {
  const dnalm::tokenizer tokenizer = dnabert(5);
  std::string text;
  for (std::size_t i = 0; i < 20000; ++i) text += "ACGT"[(i * i + i / 7) % 4];
  text[9001] = 'N';
  const auto tokens = tokenizer.encode(text);
  REQUIRE(tokens.size() == 20000 - 4 + 2);
  for (std::size_t i = 1; i + 1 < tokens.ids.size(); ++i) {
    const bool foreign = i - 1 + 5 > 9001 && i - 1 <= 9001;
    REQUIRE(tokenizer.token(tokens.ids[i]) == (foreign ? "[UNK]" : text.substr(i - 1, 5)));
    REQUIRE(tokens.begin[i] == static_cast<index_t>(i) - 1);
    REQUIRE(tokens.end[i] == static_cast<index_t>(i) + 4);
  }
  REQUIRE(tokens.begin.runs() <= 4);
}

TEST_CASE("k-mers of a sequence that is not upper-case DNA are those of its normal form, wherever that shows",
          "[tokenize]") {
  const dnalm::tokenizer six = dnabert(6);
  const std::string text = "ACGTTGCANNACGTACGGTCANACGTATTACGACCAGTAGGATCNACGTNAC";
  const auto expected = six.encode(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] - 'A' + 'a');
    REQUIRE(six.encode(changed).ids == expected.ids);
    REQUIRE(six.encode(changed).end == expected.end);
    changed[i] = 'R';
    REQUIRE(error_of(six, changed) == "dnalm.input.150");
    std::string with_n = text;
    with_n[i] = 'N';
    REQUIRE(six.with_policy(unknown_policy::n).encode(changed).ids == six.encode(with_n).ids);
  }
}

TEST_CASE("a sequence shorter than k is an error; literal text gives CLS and SEP, as the reference",
          "[tokenize]") {
  const dnalm::tokenizer six = dnabert(6);
  REQUIRE(error_of(six, "ACGTA") == "dnalm.input.340");
  REQUIRE(error_of(six, "") == "dnalm.input.340");
  REQUIRE(error_of(six, "ACGTAR") == "dnalm.input.150");
  REQUIRE(error_of(six, "ACGTAU") == "dnalm.input.151");
  REQUIRE(six.with_policy(unknown_policy::n).encode("ACGTAR").ids == ids_type{2, 1, 3});
  const dnalm::tokenizer literal = six.with_policy(unknown_policy::literal);
  REQUIRE(literal.encode("ACGTA").ids == ids_type{2, 3});
  REQUIRE(literal.encode("").ids == ids_type{2, 3});
  REQUIRE(error_of(literal, "ACGT\xC3\xA4") == "dnalm.input.341");
}

TEST_CASE("literal text of k-mers: special tokens and white space separate, case is kept", "[tokenize]") {
  const auto tokens = dnabert(3, unknown_policy::literal).encode("ACG[MASK]CGTA  ac GGG");
  REQUIRE(tokens.ids == ids_type{2, 16, 4, 50, 57, 68, 3});
  REQUIRE(tokens.begin == std::vector<index_t>{0, 0, 3, 9, 10, 18, 21});
  REQUIRE(tokens.end == std::vector<index_t>{0, 3, 9, 12, 13, 21, 21});
  REQUIRE(dnabert(3, unknown_policy::literal).encode("acgA").ids == ids_type{2, 1, 1, 3});
}

TEST_CASE("SpliceBERT reads U as T and either case; N has its token", "[tokenize]") {
  const dnalm::tokenizer strict = splicebert();
  const ids_type expected = {2, 6, 7, 8, 9, 9, 5, 3};
  REQUIRE(strict.encode("ACGTTN").ids == expected);
  REQUIRE(strict.encode("acguUn").ids == expected);
  REQUIRE(strict.encode("ACGUUN").begin == std::vector<index_t>{0, 0, 1, 2, 3, 4, 5, 6});
  REQUIRE(strict.encode("ACGUUN").end == std::vector<index_t>{0, 1, 2, 3, 4, 5, 6, 6});
  REQUIRE(error_of(strict, "ACGR") == "dnalm.input.150");
  REQUIRE(error_of(strict, "ACG T") == "dnalm.input.150");
  REQUIRE(error_of(strict, "[MASK]") == "dnalm.input.150");
  REQUIRE(strict.with_policy(unknown_policy::n).encode("ACRX-").ids == ids_type{2, 6, 7, 5, 5, 5, 3});
  REQUIRE(error_of(strict.with_policy(unknown_policy::n), "AC\tG") == "dnalm.input.150");
  const dnalm::tokenizer literal = strict.with_policy(unknown_policy::literal);
  REQUIRE(literal.encode("AC [MASK]GUa\xC3\xA4").ids == ids_type{2, 6, 7, 4, 8, 1, 1, 1, 3});
  REQUIRE(literal.encode("A\xC3\xA4G").end == std::vector<index_t>{0, 1, 3, 4, 4});
  REQUIRE(strict.encode("").ids == ids_type{2, 3});
}

TEST_CASE("letters in rows of sixteen and one by one are the same", "[tokenize]") {
  const std::vector<dnalm::tokenizer> tokenizers = {splicebert(), dnalm::builtin_tokenizer("rna-fm"),
                                                    dnalm::builtin_tokenizer("rinalmo"),
                                                    dnalm::builtin_tokenizer("hyenadna"), dnabert(1)};
  const std::string alphabet = "ACGTacgtNn";
  std::uint64_t state = 7;
  for (const auto policy : {unknown_policy::error, unknown_policy::n, unknown_policy::literal}) {
    for (int trial = 0; trial < 300; ++trial) {
      std::string text;
      for (int i = 0; i < trial % 70; ++i) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        text += alphabet[(state >> 33) % (trial % 3 == 0 ? 4 : alphabet.size())];
      }
      for (std::size_t t = 0; t < 4; ++t) {
        const dnalm::tokenizer tokenizer = tokenizers[t].with_policy(policy);
        const auto whole = tokenizer.encode(text);
        const auto framed = static_cast<std::size_t>(tokenizer.encode("").size());
        REQUIRE(whole.ids.size() == text.size() + framed);
        const std::size_t first = t == 3 ? 0 : 1;
        for (std::size_t i = 0; i < text.size(); ++i) {
          REQUIRE(whole.ids[first + i] == tokenizer.encode(text.substr(i, 1)).ids[first]);
        }
      }
    }
  }
}

TEST_CASE("every single byte is taken as the policy says, alone and among bases", "[tokenize]") {
  const dnalm::tokenizer rinalmo = dnalm::builtin_tokenizer("rinalmo");
  for (int byte = 0; byte < 256; ++byte) {
    const char letter = static_cast<char>(byte);
    const std::string alone(1, letter);
    const std::string among = "ACGT" + alone + "ACGTACGTACGTACGT";
    const bool known =
        std::string_view("ACGTUINRYKMSWBDHVacgtuinrykmswbdhv").find(letter) != std::string_view::npos &&
        byte > 0;
    REQUIRE(error_of(rinalmo, alone).empty() == known);
    REQUIRE(error_of(rinalmo, among).empty() == known);
    if (known) REQUIRE(rinalmo.encode(among).ids[5] == rinalmo.encode(alone).ids[1]);
    const dnalm::tokenizer lenient = rinalmo.with_policy(unknown_policy::n);
    REQUIRE(error_of(lenient, among).empty() == (byte > 0x20 && byte < 0x7F));
    const auto literal = rinalmo.with_policy(unknown_policy::literal).encode(among);
    REQUIRE(literal.ids.size() == 23);
  }
}

TEST_CASE("HyenaDNA and Caduceus: SEP behind, nothing before; U is an error", "[tokenize]") {
  const dnalm::tokenizer hub = with_config(R"({"tokenizer_class": "HyenaDNATokenizer"})");
  REQUIRE(hub.encode("ACGTN").ids == ids_type{7, 8, 9, 10, 11, 1});
  REQUIRE(dnalm::builtin_tokenizer("hyenadna").encode("acgtn").ids == ids_type{7, 8, 9, 10, 11, 1});
  REQUIRE(dnalm::builtin_tokenizer("hyenadna-cls").encode("acgtn").ids == ids_type{0, 7, 8, 9, 10, 11, 1});
  REQUIRE(error_of(hub, "ACGU") == "dnalm.input.151");
  REQUIRE(hub.with_policy(unknown_policy::literal).encode("Aa [MASK]").ids == ids_type{7, 6, 6, 3, 1});
  REQUIRE(hub.vocabulary_size() == 12);
  REQUIRE(hub.special().pad == 4);
  const dnalm::tokenizer original =
      with_config(R"({"char_ords": [65, 67, 71, 84, 78], "model_max_length": 1026})");
  REQUIRE(original.encode("ACGTN").ids == ids_type{7, 8, 9, 10, 11, 1});
  REQUIRE(original.model_max_length() == 1026);
  const auto stripped = original.with_policy(unknown_policy::literal).encode("A \t[MASK] A ");
  REQUIRE(stripped.ids == ids_type{7, 3, 6, 7, 6, 1});
  REQUIRE(stripped.begin == std::vector<index_t>{0, 3, 9, 10, 11, 12});
  const dnalm::tokenizer caduceus = with_config(R"({"tokenizer_class": "CaduceusTokenizer"})");
  REQUIRE(caduceus.with_policy(unknown_policy::literal).encode("acgtR").ids == ids_type{7, 8, 9, 10, 6, 1});
}

TEST_CASE("a hundred thousand blanks before no token are read once", "[tokenize]") {
  const dnalm::tokenizer original = with_config(R"({"char_ords": [65, 67, 71, 84, 78]})");
  const auto tokens = original.with_policy(unknown_policy::literal).encode(std::string(100000, ' ') + "A");
  REQUIRE(tokens.size() == 100002);
}

TEST_CASE("GPN: lower-case letters, N is unknown, no frame", "[tokenize]") {
  const temporary_folder folder;
  folder.write("tokenizer.json", dnalm_test::gpn_json);
  const dnalm::tokenizer strict = load(folder);
  REQUIRE(strict.encode("ACgtN").ids == ids_type{3, 4, 5, 6, 2});
  REQUIRE(strict.special().mask == 1);
  REQUIRE(strict.special().cls == -1);
  REQUIRE(error_of(strict, "ACGU") == "dnalm.input.151");
  REQUIRE(strict.with_policy(unknown_policy::literal).encode("aC [MASK]-").ids == ids_type{3, 4, 1, 2});
  REQUIRE(strict.description() == "single letters (ACGNT), 7 tokens");
}

TEST_CASE("GPN without a token for unknown letters: they are errors, and vanish literally", "[tokenize]") {
  const auto folder = std::filesystem::path(DNALM_GOLDEN_DIR) / "convnets" / "gpn_6_bin";
  const dnalm::tokenizer strict = dnalm::load_tokenizer(folder);
  REQUIRE(strict.encode("ACgt").ids == ids_type{2, 3, 4, 5});
  REQUIRE(strict.vocabulary_size() == 6);
  REQUIRE(strict.special().unk == -1);
  REQUIRE(error_of(strict, "ACN") == "dnalm.input.150");
  REQUIRE(error_of(strict.with_policy(unknown_policy::n), "ACN") == "dnalm.input.150");
  const dnalm::tokenizer literal = strict.with_policy(unknown_policy::literal);
  const auto tokens = literal.encode("aCNNg-[MASK] t[PAD]x");  // ids as tokenizers 0.19.1 gives them
  REQUIRE(tokens.ids == ids_type{2, 3, 4, 0, 5, 1});
  REQUIRE(tokens.begin[2] == 4);
  REQUIRE(literal.encode("NNN").ids.empty());
}

TEST_CASE("RNA alphabets: RNA-FM reads T as U, RiNALMo U as T", "[tokenize]") {
  const dnalm::tokenizer fm = dnalm::builtin_tokenizer("rna-fm");
  REQUIRE(fm.encode("ACGTUn").ids == ids_type{0, 4, 5, 6, 7, 7, 18, 2});
  REQUIRE(fm.encode("R").ids == ids_type{0, 8, 2});
  REQUIRE(fm.vocabulary_size() == 25);
  REQUIRE(fm.special().mask == 24);
  REQUIRE(fm.with_policy(unknown_policy::literal).encode("UT-<mask>").ids == ids_type{0, 7, 3, 19, 24, 2});
  REQUIRE(error_of(fm, "ACG-") == "dnalm.input.150");
  const dnalm::tokenizer rinalmo = dnalm::builtin_tokenizer("rinalmo");
  REQUIRE(rinalmo.encode("ACGTUI").ids == ids_type{0, 5, 6, 7, 8, 8, 9, 2});
  REQUIRE(rinalmo.vocabulary_size() == 22);
  REQUIRE(rinalmo.with_policy(unknown_policy::literal).encode("u<mask>").ids == ids_type{0, 8, 4, 2});
  REQUIRE(error_id_of([] { static_cast<void>(dnalm::builtin_tokenizer("bert")); }) == "dnalm.usage.343");
  for (const std::string& name : dnalm::builtin_alphabets()) {
    REQUIRE(dnalm::builtin_tokenizer(name).encode("ACG").size() >= 4);
  }
}

TEST_CASE("ESM's letters: EOS unless the configuration says null; proteins have T and U", "[tokenize]") {
  const std::string vocabulary = dnalm_test::esm2_vocabulary();
  const dnalm::tokenizer esm2 = with_config(R"({"tokenizer_class": "EsmTokenizer"})", vocabulary);
  REQUIRE(esm2.encode("MKTU").ids == ids_type{0, 20, 15, 11, 26, 2});
  REQUIRE(esm2.special().mask == 32);
  REQUIRE(esm2.encode("N").ids == ids_type{0, 17, 2});
  REQUIRE(error_of(esm2, "MJ") == "dnalm.input.150");
  REQUIRE(esm2.with_policy(unknown_policy::n).encode("MJ").ids == ids_type{0, 20, 24, 2});  // X
  REQUIRE(esm2.with_policy(unknown_policy::literal).encode("MJJ J.<mask>jj").ids ==
          ids_type{0, 20, 3, 3, 29, 32, 3, 2});
  REQUIRE(with_config(R"({"eos_token": null})", vocabulary).encode("M").ids == ids_type{0, 20});
}

TEST_CASE("MultiMolecule's classes fold case and T themselves; tokens of several letters are refused",
          "[tokenize]") {
  const std::string vocabulary = dnalm_test::multimolecule_vocabulary();
  const dnalm::tokenizer rna = with_config(R"({"tokenizer_class": "RnaTokenizer"})", vocabulary);
  REQUIRE(rna.encode("acgt").ids == ids_type{1, 6, 7, 8, 9, 2});
  REQUIRE(rna.with_policy(unknown_policy::literal).encode("at <null>").ids == ids_type{1, 6, 9, 3, 5, 2});
  const auto kept =
      with_config(R"({"tokenizer_class": "RnaTokenizer", "replace_T_with_U": false})", vocabulary);
  REQUIRE(kept.with_policy(unknown_policy::literal).encode("acgt").ids == ids_type{1, 6, 7, 8, 3, 2});
  REQUIRE(error_of(kept, "ACGT") == "dnalm.input.150");
  for (const char* config : {R"({"tokenizer_class": "RnaTokenizer", "nmers": 3})",
                             R"({"tokenizer_class": "RnaTokenizer", "codon": true})"}) {
    REQUIRE(error_id_of([&] { static_cast<void>(with_config(config, vocabulary)); }) ==
            "dnalm.unsupported.305");
  }
}

TEST_CASE("config.json alone is enough where the alphabet is built in and fits", "[tokenize]") {
  const auto from_config = [](const std::string& config) {
    const temporary_folder folder;
    folder.write("config.json", config);
    REQUIRE(dnalm::has_tokenizer(folder.path()) ==
            (error_id_of([&] { static_cast<void>(load(folder)); }) == ""));
    return error_id_of([&] { static_cast<void>(load(folder)); });
  };
  REQUIRE(from_config(R"({"model_type": "rinalmo"})").empty());
  REQUIRE(from_config(R"({"model_type": "rnafm", "vocab_size": 25})").empty());
  REQUIRE(from_config(R"({"model_type": "rnafm", "vocab_size": 26})") == "dnalm.io.301");
  REQUIRE(from_config(R"({"model_type": "esm"})") == "dnalm.io.301");
}

TEST_CASE("tokenizer.json of letters and of k-mers in BERT's format", "[tokenize]") {
  const std::string frame =
      R"("normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
      "strip_accents": null, "lowercase": false}, "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
      {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
      "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                         "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
      "max_input_chars_per_word": 100, "vocab": )";
  const temporary_folder letters;
  letters.write("tokenizer.json", "{" + frame + R"({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3,
    "[MASK]": 4, "N": 5, "A": 6, "C": 7, "G": 8, "T": 9}}})");
  REQUIRE(load(letters).encode("ACGTU").ids == ids_type{2, 6, 7, 8, 9, 9, 3});
  // Any other component is read by the general reader, which obeys or names it.
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = "{" + frame + R"({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3,
    "[MASK]": 4, "N": 5, "A": 6, "C": 7, "G": 8, "T": 9}}})";
    text.replace(text.find(from), from.size(), to);
    const temporary_folder folder;
    folder.write("tokenizer.json", text);
    return error_id_of([&] { static_cast<void>(load(folder)); });
  };
  REQUIRE(changed("BertPreTokenizer", "NoSuchThing") == "dnalm.unsupported.320");
  REQUIRE(changed("BertNormalizer", "NoSuchThing") == "dnalm.unsupported.320");
  REQUIRE(changed("TemplateProcessing", "NoSuchThing") == "dnalm.unsupported.320");
  std::string vocabulary;
  int id = 0;
  for (const std::string& token : dnalm_test::dnabert_tokens(2)) {
    vocabulary += (id == 0 ? "{\"" : ", \"") + token + "\": " + std::to_string(id);
    ++id;
  }
  const temporary_folder kmers;
  kmers.write("tokenizer.json", "{" + frame + vocabulary + "}}}");
  REQUIRE(load(kmers).description() == "overlapping 2-mers, 21 tokens");
}

TEST_CASE("rules that contradict themselves are refused", "[tokenize]") {
  const auto id = [](auto change) {
    dnalm::nucleotide_rules rules = dnalm::builtin_rules("rinalmo");
    change(rules);
    return error_id_of([&] { static_cast<void>(dnalm::nucleotide_tokenizer(rules, "test")); });
  };
  REQUIRE(id([](auto&) {}).empty());
  REQUIRE(id([](auto& r) { r.special.unk = -1; }) == "dnalm.config.342");
  REQUIRE(id([](auto& r) { r.special.unk = 22; }) == "dnalm.config.342");
  REQUIRE(id([](auto& r) { r.prefix = {22}; }) == "dnalm.config.342");
  REQUIRE(id([](auto& r) { r.suffix = {-1}; }) == "dnalm.config.342");
  REQUIRE(id([](auto& r) { r.tokens.resize(5); }) == "dnalm.config.342");
}

TEST_CASE("configurations of letters that cannot be right are refused", "[tokenize]") {
  const auto id = [](const std::string& config) {
    return error_id_of([&] { static_cast<void>(with_config(config)); });
  };
  REQUIRE(id(R"({"char_ords": []})") == "dnalm.config.303");
  REQUIRE(id(R"({"char_ords": [300]})") == "dnalm.config.303");
  REQUIRE(id(R"({"char_ords": "ACGT"})") == "dnalm.config.303");
  REQUIRE(id(R"({"char_ords": [65, 65]})") == "dnalm.config.310");
  REQUIRE(id(R"({"nmers": 0})") == "dnalm.config.303");
  REQUIRE(id(R"({"codon": 1})") == "dnalm.config.303");
  REQUIRE(id(R"({"tokenizer_class": "HyenaDNATokenizer", "added_tokens_decoder":
    {"3": {"content": "[MASK]", "rstrip": true}}})") == "dnalm.unsupported.304");
  REQUIRE(id(R"({"tokenizer_class": "HyenaDNATokenizer", "added_tokens_decoder":
    {"4": {"content": "[MASK]"}}})") == "dnalm.config.312");
}

TEST_CASE("published folders of letters and k-mers, where they are", "[tokenize][shared]") {
  const auto splice = shared_data("chenkenbio__SpliceBERT/models");
  if (splice) {
    for (const char* name : {"SpliceBERT.1024nt", "SpliceBERT.510nt"}) {
      REQUIRE(dnalm::load_tokenizer(*splice / name).encode("ACGUTN").ids == ids_type{2, 6, 7, 8, 9, 9, 5, 3});
    }
    REQUIRE(dnalm::load_tokenizer(*splice / "SpliceBERT.510nt" / "vocab.txt").encode("A").ids ==
            ids_type{2, 6, 3});
  }
  const auto gpn = shared_data("from_index/munch-group__johan_gpn_v2");
  if (gpn) REQUIRE(dnalm::load_tokenizer(*gpn).encode("ACGTN").ids == ids_type{3, 4, 5, 6, 2});
  const auto published = shared_data("jerryji1993__DNABERT/src/transformers/dnabert-config");
  for (int k = 3; published && k <= 6; ++k) {
    const auto tokenizer = dnalm::load_tokenizer(*published / ("bert-config-" + std::to_string(k)));
    const auto own = dnabert(k);
    REQUIRE(tokenizer.vocabulary_size() == own.vocabulary_size());
    for (int id = 0; id < own.vocabulary_size(); ++id) REQUIRE(tokenizer.token(id) == own.token(id));
  }
}
