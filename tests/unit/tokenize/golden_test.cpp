// SPDX-License-Identifier: Apache-2.0
// 100,000 random sequences against what the Hugging Face tokenizers made of them (tests/golden/make).
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/tokenize/tokenizer.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <support/catch.hpp>

#include "golden_hashes.hpp"

using dnalm::unknown_policy;

namespace {

const std::filesystem::path golden = DNALM_GOLDEN_DIR;
constexpr std::size_t block = 20;

dnalm::tokenizer load(const std::string& name) {
  const auto folder = name == "dnabert2" ? golden / "third_party" / "dnabert2" : golden / "tokenizers" / name;
  return dnalm::load_tokenizer(folder, {.policy = unknown_policy::literal});
}

/// Offsets of a literal encoding never overlap, never go back, and cover every character but white space.
bool covers(const dnalm::token_sequence& tokens, const std::string& text) {
  dnalm::index_t at = 0;
  for (dnalm::index_t i = 0; i <= tokens.size(); ++i) {
    const auto t = static_cast<std::size_t>(i);
    const dnalm::index_t begin =
        i < tokens.size() ? tokens.begin[t] : static_cast<dnalm::index_t>(text.size());
    for (; at < begin; ++at) {
      if (std::string_view(" \t\n").find(text[static_cast<std::size_t>(at)]) == std::string_view::npos)
        return false;
    }
    if (at > begin) return false;
    if (i < tokens.size()) at = tokens.end[t];
  }
  return true;
}

void require_golden(const std::string& name) {
  const dnalm::tokenizer tokenizer = load(name);
  int uncovered = 0;
  const auto ids = [&](std::size_t i) {
    const std::string text = dnalm_test::golden_sequence(i);
    dnalm::token_sequence tokens = tokenizer.encode(text);
    if (i % 16 < 8 && !covers(tokens, text)) ++uncovered;
    return tokens.ids;
  };
  REQUIRE(dnalm_test::first_wrong_block(golden / "tokenizers" / (name + ".hash.bin"), 100000, block, ids,
                                        dnalm_test::golden_stride()) == -1);
  REQUIRE(uncovered == 0);
}

std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    ++i;
    out += text[i] == 't' ? '\t' : text[i] == 'n' ? '\n' : '\\';
  }
  return out;
}

std::string join(const std::vector<std::int32_t>& ids) {
  std::string text;
  for (const std::int32_t id : ids) text += (text.empty() ? "" : ",") + std::to_string(id);
  return text;
}

}  // namespace

TEST_CASE("the generator makes the golden sequences", "[tokenize]") {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    hash = dnalm_test::fnv1a(dnalm_test::golden_sequence(i) + std::string(1, '\0'), hash);
  }
  REQUIRE(hash == 0x8fb0db20e3fdb5cbULL);
}

TEST_CASE("the first 200 golden sequences give the tokens that stand in first200.tsv", "[tokenize]") {
  std::ifstream file(golden / "tokenizers" / "first200.tsv");
  std::string line;
  std::getline(file, line);
  REQUIRE(line == "index\tsequence\tnt_v1\tnt_v2\tdnabert2");
  const std::vector<dnalm::tokenizer> tokenizers = {load("nt_v1"), load("nt_v2"), load("dnabert2")};
  std::uint64_t index = 0;
  for (; std::getline(file, line); ++index) {
    std::vector<std::string> fields;
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find('\t', begin), line.size());
      fields.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    REQUIRE(fields.size() == 5);
    REQUIRE(unescape(fields[1]) == dnalm_test::golden_sequence(index));
    for (std::size_t t = 0; t < 3; ++t) {
      INFO("sequence " << index << ", tokenizer " << t);
      REQUIRE(join(tokenizers[t].encode(unescape(fields[1])).ids) == fields[2 + t]);
    }
  }
  REQUIRE(index == 200);
}

TEST_CASE("Nucleotide Transformer v1 agrees with the reference on 100,000 sequences", "[tokenize]") {
  require_golden("nt_v1");
}

TEST_CASE("Nucleotide Transformer v2 agrees with the reference on 100,000 sequences", "[tokenize]") {
  require_golden("nt_v2");
}

TEST_CASE("DNABERT-2 agrees with the reference on 100,000 sequences", "[tokenize]") {
  require_golden("dnabert2");
}

TEST_CASE("the lentiMPRA sequences agree with the reference, where the table is there", "[tokenize]") {
  const std::filesystem::path bundled =
      std::filesystem::path(DNALM_SOURCE_DIR) / "examples" / "data" / "wtc11.tsv.gz";
  if (!std::filesystem::exists(bundled)) {
    WARN("skipped: examples/data/wtc11.tsv.gz is not there");
    return;
  }
  const auto table = dnalm::io::read_sequences(bundled);
  for (const std::string name : {"nt_v1", "nt_v2", "dnabert2"}) {
    const dnalm::tokenizer tokenizer = load(name).with_policy(unknown_policy::error);
    const auto ids = [&](std::size_t i) { return tokenizer.encode(table.records[i].sequence).ids; };
    REQUIRE(dnalm_test::first_wrong_block(golden / "tokenizers" / ("wtc11." + name + ".hash.bin"),
                                          table.records.size(), block, ids, 1) == -1);
  }
}
