// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a tokenizer.json of byte pair encoding says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/detail/merge_rule.hpp>

DNALM_BEGIN_NAMESPACE

/// How text between special tokens becomes words; merges never cross words.
enum class word_splitting {
  none,             ///< one word (no pre-tokenizer)
  whitespace,       ///< runs of word characters, runs of other characters; white space vanishes
  whitespace_split  ///< runs of anything but white space
};

/// What a tokenizer.json of byte pair encoding holds, checked. bpe_tokenizer is built from it.
struct bpe_definition {
  std::vector<std::string> tokens = {};  ///< by number
  using merge = detail::merge_rule;
  std::vector<merge> merges = {};         ///< by rank
  std::vector<std::int32_t> added = {};   ///< tokens found literally in text
  std::vector<std::int32_t> prefix = {};  ///< put before every sequence ([CLS])
  std::vector<std::int32_t> suffix = {};  ///< put behind it ([SEP])
  std::int32_t unk = -1;
  word_splitting words = word_splitting::none;
};

/// Reads the text of a tokenizer.json; `where` names it.
/// \throws error [dnalm.unsupported.320] naming a component or setting that is not built in,
/// [dnalm.unsupported.326] for more than 64 steps of one, [dnalm.config.321] for missing or contradictory
/// parts, and as io::parse_json.
[[nodiscard]] bpe_definition read_bpe_definition(std::string_view json_text, const std::string& where);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/bpe_definition_impl.hpp>
#endif
