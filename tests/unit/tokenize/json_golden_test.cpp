// SPDX-License-Identifier: Apache-2.0
// Pipelines of tokenizer.json against what the Hugging Face tokenizers made of them
// (make_tokenizers_json.py).
#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/tokenizer_json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <support/catch.hpp>

#include "golden_hashes.hpp"

namespace {

using dnalm::io::json;
using tokenizer_pointer = std::shared_ptr<const dnalm::tokenizer_base>;

const std::filesystem::path golden = std::filesystem::path(DNALM_GOLDEN_DIR) / "tokenizers" / "json";

std::string read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

tokenizer_pointer load(const std::filesystem::path& file) {
  return dnalm::make_json_tokenizer(read_text(file), {}, file.string());
}

/// What is tokenized in place of golden sequence `index` (`variant` of the script).
std::string variant(std::uint64_t index, const std::string& name) {
  std::string text;
  for (const char letter : dnalm_test::golden_sequence(index)) {
    text.append(letter == 'N' && index % 2 == 1 ? 7 + index % 9 : 1, letter);
  }
  if (index % 5 == 0) text = " \t" + text + "\n ";
  if (name != "splicebert" || index % 4 == 0) return text;
  std::string spaced;
  for (const char letter : text) spaced += (spaced.empty() ? "" : " ") + std::string(1, letter);
  return spaced;
}

std::vector<std::int32_t> flat(const dnalm::token_sequence& tokens) {
  std::vector<std::int32_t> numbers = {static_cast<std::int32_t>(tokens.size())};
  for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
    numbers.push_back(tokens.ids[i]);
    numbers.push_back(static_cast<std::int32_t>(tokens.begin[i]));
    numbers.push_back(static_cast<std::int32_t>(tokens.end[i]));
  }
  return numbers;
}

/// 100,000 sequences, ids and offsets: lists of four sequences, five lists to a number.
void require_golden(const std::filesystem::path& file, const std::string& name) {
  const tokenizer_pointer tokenizer = load(file);
  const auto numbers_of = [&](std::size_t group) {
    std::vector<std::int32_t> numbers;
    for (std::uint64_t i = 0; i < 4; ++i) {
      const auto added = flat(tokenizer->encode(variant(4 * group + i, name)));
      numbers.insert(numbers.end(), added.begin(), added.end());
    }
    return numbers;
  };
  REQUIRE(dnalm_test::first_wrong_block(golden / (name + ".hash.bin"), 25000, 5, numbers_of,
                                        dnalm_test::golden_stride()) == -1);
}

void require_published(const std::string& folder, const std::string& name) {
  const char* root = std::getenv("DNALM_SHARED_DATA");
  const auto data = root != nullptr && *root != '\0'
                        ? std::filesystem::path(root)
                        : std::filesystem::path(DNALM_SOURCE_DIR) / ".." / "shared" / "data";
  const auto file = data / "AIRI-Institute__GENA_LM" / "data" / "tokenizers" / folder / "tokenizer.json";
  if (!std::filesystem::exists(file)) {
    WARN("skipped: set DNALM_SHARED_DATA to a folder that holds " << file.filename() << " of GENA-LM "
                                                                  << folder);
    return;
  }
  require_golden(file, name);
}

}  // namespace

TEST_CASE("GENA-LM's first pipeline agrees with the reference on 100,000 sequences", "[tokenize][json]") {
  require_golden(golden / "gena_human" / "tokenizer.json", "gena_human");
}

TEST_CASE("GENA-LM's second pipeline agrees with the reference on 100,000 sequences", "[tokenize][json]") {
  require_golden(golden / "gena_t2t" / "tokenizer.json", "gena_t2t");
}

TEST_CASE("GPN's pipeline agrees with the reference on 100,000 sequences", "[tokenize][json]") {
  require_golden(golden / "gpn" / "tokenizer.json", "gpn");
}

TEST_CASE("SpliceBERT's pipeline agrees with the reference on 100,000 sequences", "[tokenize][json]") {
  require_golden(golden / "splicebert" / "tokenizer.json", "splicebert");
}

TEST_CASE("the published GENA-LM tokenizers agree with the reference on 100,000 sequences",
          "[tokenize][json]") {
  SECTION("human") {
    require_published("human/BPE_32k", "gena_human_32k");
  }
  SECTION("t2t") {
    require_published("t2t_1000h_multi_32k", "gena_t2t_32k");
  }
}

TEST_CASE("odd texts through the pipelines: ids and offsets of the reference", "[tokenize][json]") {
  const json cases = json::parse(read_text(golden / "odd.json"));
  REQUIRE(cases.size() > 250);
  for (const json& entry : cases) {
    const auto name = entry.at("pipeline").get<std::string>();
    const auto text = entry.at("text").get<std::string>();
    std::vector<std::int32_t> expected = {static_cast<std::int32_t>(entry.at("tokens").size())};
    for (const json& token : entry.at("tokens")) {
      for (const json& number : token) expected.push_back(number.get<std::int32_t>());
    }
    static std::string loaded_name;
    static tokenizer_pointer loaded;
    if (loaded_name != name) loaded = load(golden / name / "tokenizer.json");
    loaded_name = name;
    INFO(name << ": " << json(text).dump());
    CHECK(flat(loaded->encode(text)) == expected);
  }
}

TEST_CASE("each component and setting gives the reference's tokens", "[tokenize][json]") {
  const json entries = json::parse(read_text(golden / "components.json"));
  REQUIRE(entries.size() > 100);
  for (const json& entry : entries) {
    const auto tokenizer = dnalm::make_json_tokenizer(entry.at("tokenizer").dump(), {}, "test");
    for (const json& item : entry.at("cases")) {
      const auto text = item.at(0).get<std::string>();
      const dnalm::token_sequence tokens = tokenizer->encode(text);
      json found = json::array();
      const bool with_offsets = !item.at(1).empty() && item.at(1).at(0).is_array();
      for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
        if (with_offsets) {
          found.push_back({tokens.ids[i], tokens.begin[i], tokens.end[i]});
        } else {
          found.push_back(tokens.ids[i]);
        }
      }
      INFO(entry.at("name") << ": " << item.at(0));
      CHECK(found == item.at(1));
    }
  }
}
