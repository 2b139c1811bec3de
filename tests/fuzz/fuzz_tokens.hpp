// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What every tokenizer promises of its tokens.
#pragma once

#include <dnalm/sequence/alphabet.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>

#include "fuzz_support.hpp"

namespace dnalm_fuzz {

/// Numbers are of the vocabulary, offsets lie in the text and do not go back, the parts have one length.
inline void check_tokens(const dnalm::tokenizer_base& tokens, const dnalm::token_sequence& found,
                         index_t bytes) {
  const auto count = static_cast<std::size_t>(found.size());
  promise(found.begin.size() == count && found.end.size() == count, "every token has offsets");
  index_t last = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const index_t begin = found.begin[i];
    const index_t end = found.end[i];
    promise(found.ids[i] >= 0 && found.ids[i] < tokens.vocabulary_size(), "numbers are of the vocabulary");
    promise(begin >= 0 && begin <= end && end <= bytes, "offsets lie in the text");
    if (begin == end) continue;
    promise(begin >= last, "offsets do not go back");
    last = begin;
  }
}

/// Encodes literally and under every policy; the same text gives the same tokens.
inline void check_encoding(const dnalm::tokenizer_base& tokens, std::string_view text) {
  const auto bytes = static_cast<index_t>(text.size());
  (void)tokens.description();
  for (index_t id = 0; id < tokens.vocabulary_size(); ++id) (void)tokens.token(static_cast<int>(id));
  guarded([&] {
    const auto found = tokens.encode(text);
    check_tokens(tokens, found, bytes);
    promise(tokens.encode(text).ids == found.ids, "the same text gives the same tokens");
  });
  for (const auto policy : {dnalm::unknown_policy::error, dnalm::unknown_policy::n}) {
    guarded([&] { check_tokens(tokens, tokens.encode_sequence(text, policy, "a sequence"), bytes); });
  }
}

}  // namespace dnalm_fuzz
