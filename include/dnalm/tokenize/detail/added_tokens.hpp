// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The added tokens of tokenizer.json: found in the text before anything is cut into words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/sequence/utf8.hpp>
#include <dnalm/tokenize/detail/text_pattern.hpp>
#include <dnalm/tokenize/literal_tokens.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// One entry of `added_tokens`.
struct added_token {
  std::int32_t id = 0;
  std::string text = {};
  bool single_word = false;  ///< only where no word character touches it
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space behind it
  bool normalized = false;   ///< sought in normalized text, else in the text as it was given
};

/// Cuts a text at added tokens: leftmost first, the longest of those that begin at one place.
class added_token_finder {
 public:
  /// `text` is what is sought (normalized where the token says so); not empty.
  void add(const added_token& token, std::string_view text) {
    names_.add(text, static_cast<std::int32_t>(tokens_.size()));
    tokens_.push_back(token);
  }
  [[nodiscard]] bool empty() const { return tokens_.empty(); }

  /// Calls `on_text(begin, end)` for text between tokens and `on_token(id, begin, end)` for tokens, in order.
  template <typename OnText, typename OnToken>
  void cut(std::string_view text, OnText&& on_text, OnToken&& on_token) const {
    std::size_t done = 0;
    std::size_t at = tokens_.empty() ? text.size() : 0;
    while ((at = names_.next_candidate(text, at)) < text.size()) {
      const literal_tokens::match found = names_.find(text, at);
      if (found.length == 0) {
        ++at;
        continue;
      }
      const added_token& token = tokens_[static_cast<std::size_t>(found.id)];
      std::size_t begin = at;
      std::size_t end = at + found.length;
      at = end;
      if (token.single_word && touches_word(text, begin, end)) continue;
      if (token.lstrip) begin = std::max(done, space_before(text, begin));
      if (token.rstrip) end = space_behind(text, end);
      if (done < begin) on_text(done, begin);
      on_token(token.id, begin, end);
      done = end;
    }
    if (done < text.size()) on_text(done, text.size());
  }

 private:
  [[nodiscard]] static bool is_word(char letter) {
    const auto code = static_cast<unsigned char>(letter);
    return code < 128 && character_class::word().ascii[code];
  }
  [[nodiscard]] static bool touches_word(std::string_view text, std::size_t begin, std::size_t end) {
    return (begin > 0 && is_word(text[begin - 1])) || (end < text.size() && is_word(text[end]));
  }
  [[nodiscard]] static std::size_t space_behind(std::string_view text, std::size_t at) {
    while (at < text.size()) {
      const utf8_character character = read_utf8(text, at);
      if (!is_unicode_space(character.code)) break;
      at += character.length;
    }
    return at;
  }
  [[nodiscard]] static std::size_t space_before(std::string_view text, std::size_t at) {
    while (at > 0) {
      std::size_t last = at - 1;
      while (last > 0 && at - last < 4 && (static_cast<unsigned char>(text[last]) & 0xC0U) == 0x80U) --last;
      const utf8_character character = read_utf8(text, last);
      if (!is_unicode_space(character.code) || last + character.length != at) break;
      at = last;
    }
    return at;
  }

  literal_tokens names_;
  std::vector<added_token> tokens_;
};

}  // namespace detail
DNALM_END_NAMESPACE
