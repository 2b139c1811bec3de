// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A tokenizer.json and a text: `json`, a line `%%`, the text (a short one of DNA where there is
/// none).
///
/// Byte pair encoding of one plain word is compared with the rule as it is written: merge the neighbours of
/// least rank, leftmost first, until there are none.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include <dnalm/tokenize/bpe_definition.hpp>
#include <dnalm/tokenize/bpe_tokenizer.hpp>
#include <dnalm/tokenize/tokenizer_json.hpp>

#include "fuzz_tokens.hpp"

namespace {

using namespace dnalm_fuzz;
using dnalm::bpe_definition;

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

/// Numbers of the letters of a word, then merged step by step. Nothing where an added token stands in it.
std::optional<std::vector<std::int32_t>> merge_naively(const bpe_definition& rules, std::string_view word) {
  for (const auto id : rules.added) {
    if (word.find(rules.tokens[static_cast<std::size_t>(id)]) != std::string_view::npos) return std::nullopt;
  }
  std::vector<std::int32_t> ids = rules.prefix;
  std::vector<std::int32_t> parts;
  for (const char letter : word) {
    const auto at = std::find(rules.tokens.begin(), rules.tokens.end(), std::string(1, letter));
    parts.push_back(at == rules.tokens.end() ? rules.unk
                                             : static_cast<std::int32_t>(at - rules.tokens.begin()));
  }
  std::map<std::pair<std::int32_t, std::int32_t>, std::size_t> ranks;
  for (std::size_t i = 0; i < rules.merges.size(); ++i) {
    if (!ranks.emplace(std::pair(rules.merges[i].left, rules.merges[i].right), i).second) return std::nullopt;
  }
  for (;;) {
    std::size_t best = rules.merges.size();
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find({parts[i], parts[i + 1]});
      if (found == ranks.end() || found->second >= best) continue;
      best = found->second;
      place = i;
    }
    if (best == rules.merges.size()) break;
    parts[place] = rules.merges[best].result;
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
  ids.insert(ids.end(), parts.begin(), parts.end());
  ids.insert(ids.end(), rules.suffix.begin(), rules.suffix.end());
  return ids;
}

void check_merges(std::string_view json, std::string_view text) {
  std::optional<bpe_definition> rules;
  guarded([&] { rules = dnalm::read_bpe_definition(json, "tokenizer.json"); }, "tokenizer.json");
  if (!rules || !is_word(text) || text.size() > 300) return;
  std::unique_ptr<dnalm::bpe_tokenizer> tokens;
  guarded(
      [&] {
        tokens = std::make_unique<dnalm::bpe_tokenizer>(*rules, dnalm::tokenizer_config{}, "tokenizer.json");
      },
      "tokenizer.json");
  if (!tokens) return;
  const auto expected = merge_naively(*rules, text);
  promise(!expected || tokens->encode(text).ids == *expected, "the merges are those of the written rule");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input in(data, size);
  const std::string_view json = in.section();
  const std::string_view text = in.rest().empty() ? "ACGTNacgTTGCA [MASK] x" : in.rest();
  guarded(
      [&] {
        const auto tokens = dnalm::make_json_tokenizer(json, dnalm::tokenizer_config{}, "tokenizer.json");
        check_encoding(*tokens, text);
      },
      "tokenizer.json");
  check_merges(json, text);
  return 0;
}
