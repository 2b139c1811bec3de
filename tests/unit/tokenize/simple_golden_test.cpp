// SPDX-License-Identifier: Apache-2.0
// k-mers and single letters: 100,000 random sequences each against the published tokenizers
// (tests/golden/make/make_tokenizers_simple.py), taken literally and as a user passes them.
#include <dnalm/tokenize/tokenizer.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <support/catch.hpp>

#include "golden_hashes.hpp"
#include "letter_models.hpp"

using dnalm::unknown_policy;

namespace {

using text_change = std::function<std::string(std::string, std::uint64_t)>;

std::string same(std::string text, std::uint64_t) {
  return text;
}

std::string rna(std::string text, std::uint64_t index) {
  if (index % 2 == 0) return text;
  std::replace(text.begin(), text.end(), 'T', 'U');
  std::replace(text.begin(), text.end(), 't', 'u');
  return text;
}

std::string protein(std::string text, std::uint64_t) {
  constexpr std::string_view residues = "LAGVSERTIDPKQNFYMHWCXBUZO";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t j = std::string_view("ACGT").find(text[i]);
    if (j != std::string_view::npos) text[i] = residues[(7 * j + i) % 25];
  }
  return text;
}

std::string upper(std::string text) {
  for (char& letter : text) letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 32) : letter;
  return text;
}

/// Letters of ACGTN in either case, the rest left out.
std::string clean(const std::string& text) {
  std::string kept;
  for (const char letter : text) {
    if (std::string_view("ACGTNacgtn").find(letter) != std::string_view::npos) kept += letter;
  }
  return kept;
}

/// Every token but the added ones covers characters of the text, and begins do not go back.
bool offsets_are_sound(const dnalm::token_sequence& tokens, std::size_t size) {
  dnalm::index_t last = 0;
  for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
    if (tokens.begin[i] < last || tokens.end[i] < tokens.begin[i]) return false;
    if (tokens.end[i] > static_cast<dnalm::index_t>(size)) return false;
    last = tokens.begin[i];
  }
  return tokens.begin.size() == tokens.ids.size() && tokens.end.size() == tokens.ids.size();
}

/// First block of 20 sequences that differs from the golden file, -1 where none does.
template <class Encode>
int first_wrong_block(const std::string& file, Encode encode) {
  const auto ids = [&](std::size_t i) { return encode(dnalm_test::golden_sequence(i), i); };
  return dnalm_test::first_wrong_block(std::filesystem::path(DNALM_GOLDEN_DIR) / "tokenizers" / file, 100000,
                                       20, ids, dnalm_test::golden_stride());
}

void require_simple_golden(const std::string& name, const dnalm::tokenizer& tokenizer,
                           const text_change& change) {
  const dnalm::tokenizer literal = tokenizer.with_policy(unknown_policy::literal);
  bool sound = true;
  const auto take = [&](const dnalm::tokenizer& t, const std::string& text) {
    dnalm::token_sequence tokens = t.encode(text);
    sound = sound && offsets_are_sound(tokens, text.size());
    return tokens.ids;
  };
  INFO(name);
  CHECK(first_wrong_block(name + ".literal.hash.bin", [&](const std::string& text, std::uint64_t i) {
          return take(literal, change(text, i));
        }) == -1);
  const bool is_protein = name == "esm2";
  const std::size_t shortest = name.starts_with("dnabert") ? static_cast<std::size_t>(name.back() - '0') : 0;
  const dnalm::tokenizer strict = tokenizer.with_policy(unknown_policy::error);
  CHECK(first_wrong_block(name + ".plain.hash.bin", [&](const std::string& text, std::uint64_t i) {
          const std::string letters = change(is_protein ? upper(clean(text)) : clean(text), i);
          const bool too_short = letters.size() < shortest;  // an error, where the reference gives no token
          return too_short ? take(literal, upper(letters)) : take(strict, letters);
        }) == -1);
  CHECK(sound);
}

}  // namespace

TEST_CASE("DNABERT's overlapping k-mers agree with the reference on 100,000 sequences each", "[tokenize]") {
  for (int k = 3; k <= 6; ++k) {
    const dnalm_test::temporary_folder folder;
    dnalm_test::write_dnabert(folder, k);
    require_simple_golden("dnabert" + std::to_string(k), dnalm::load_tokenizer(folder.path()), same);
  }
}

TEST_CASE("SpliceBERT agrees with the reference on 100,000 sequences", "[tokenize]") {
  const dnalm_test::temporary_folder folder;
  folder.write("vocab.txt", dnalm_test::splicebert_vocabulary);
  require_simple_golden("splicebert", dnalm::load_tokenizer(folder.path()), rna);
}

TEST_CASE("HyenaDNA's two tokenizers and Caduceus agree with the reference on 100,000 sequences each",
          "[tokenize]") {
  for (const auto& [name, config] : std::vector<std::pair<std::string, std::string>>{
           {"hyenadna", R"({"tokenizer_class": "HyenaDNATokenizer", "model_max_length": 1026})"},
           {"hyenadna_character", R"({"char_ords": [65, 67, 71, 84, 78], "model_max_length": 1026})"},
           {"caduceus", R"({"tokenizer_class": "CaduceusTokenizer"})"}}) {
    const dnalm_test::temporary_folder folder;
    folder.write("tokenizer_config.json", config);
    require_simple_golden(name, dnalm::load_tokenizer(folder.path()), same);
  }
}

TEST_CASE("GPN agrees with the reference on 100,000 sequences", "[tokenize]") {
  const dnalm_test::temporary_folder folder;
  folder.write("tokenizer.json", dnalm_test::gpn_json);
  require_simple_golden("gpn", dnalm::load_tokenizer(folder.path()), same);
}

TEST_CASE("ESM's alphabets of proteins and of RNA agree with the reference on 100,000 sequences each",
          "[tokenize]") {
  const dnalm_test::temporary_folder esm2;
  esm2.write("vocab.txt", dnalm_test::esm2_vocabulary());
  require_simple_golden("esm2", dnalm::load_tokenizer(esm2.path()), protein);
  const dnalm_test::temporary_folder esm_rna;
  esm_rna.write("vocab.txt", dnalm_test::esm_rna_vocabulary());
  esm_rna.write("tokenizer_config.json", R"({"tokenizer_class": "EsmTokenizer"})");
  require_simple_golden("esm_rna", dnalm::load_tokenizer(esm_rna.path()), rna);
}

TEST_CASE("RNA-FM and RiNALMo, built in, agree with the authors' alphabets on 100,000 sequences each",
          "[tokenize]") {
  require_simple_golden("rna_fm", dnalm::builtin_tokenizer("rna-fm"), rna);
  require_simple_golden("rinalmo", dnalm::builtin_tokenizer("rinalmo"), rna);
  require_simple_golden("hyenadna", dnalm::builtin_tokenizer("hyenadna"), same);
}

TEST_CASE("MultiMolecule's RNA tokenizer agrees with the reference on 100,000 sequences", "[tokenize]") {
  const dnalm_test::temporary_folder folder;
  folder.write("vocab.txt", dnalm_test::multimolecule_vocabulary());
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "RnaTokenizer", "nmers": 1, "codon": false})");
  require_simple_golden("multimolecule_rna", dnalm::load_tokenizer(folder.path()), rna);
}
