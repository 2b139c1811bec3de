// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a tokenizer.json says, checked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/tokenize/detail/added_tokens.hpp>
#include <dnalm/tokenize/detail/merge_rule.hpp>
#include <dnalm/tokenize/detail/text_normalizer.hpp>
#include <dnalm/tokenize/detail/word_splitter.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The kinds of models.
enum class subword_kind { bpe, word_level, word_piece };

/// All of a tokenizer.json that changes what comes out.
struct tokenizer_definition {
  std::vector<std::string> tokens = {};  ///< by number
  std::vector<bool> known = {};  ///< by number: the model has it; false for tokens that are only added
  std::vector<added_token> added = {};
  text_normalizer normalizer = {};
  word_splitter splitter = {};
  std::vector<std::string> splitter_names = {};  ///< types of the pre-tokenizers
  subword_kind model = subword_kind::bpe;
  std::int32_t unk = -1;
  std::vector<merge_rule> merges = {};            ///< BPE
  bool fuse_unk = false;                          ///< BPE
  bool ignore_merges = false;                     ///< BPE
  std::string inner_prefix = {};                  ///< WordPiece
  std::size_t longest_word = 100;                 ///< WordPiece, in characters
  std::vector<std::int32_t> prefix = {};          ///< put before every sequence
  std::vector<std::int32_t> suffix = {};          ///< put behind it
  std::vector<std::string> processor_names = {};  ///< types of the post-processors
  std::string ascii_only = {};  ///< component that does not know letters beyond ASCII, or ""

  /// Remembers the first component that does not know letters beyond ASCII.
  void know_ascii_only(const std::string& name) {
    if (ascii_only.empty()) ascii_only = name;
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
