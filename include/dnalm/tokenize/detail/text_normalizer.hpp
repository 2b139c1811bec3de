// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The normalizers of tokenizer.json: what a text becomes before it is cut into words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/sequence/utf8.hpp>
#include <dnalm/tokenize/detail/text_alignment.hpp>
#include <dnalm/tokenize/detail/text_pattern.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A text on its way through the normalizers. `text` is a part of the input as long as nothing has changed,
/// then `storage` holds it.
struct normalized_text {
  std::string_view text = {};
  text_alignment alignment = {};
  std::string storage = {};

  normalized_text() = default;
  /// The part [begin, end) of the input.
  normalized_text(std::string_view input, std::size_t begin, std::size_t end)
      : text(input.substr(begin, end - begin)), alignment(begin, end) {}
  normalized_text(const normalized_text&) = delete;  // text may point into storage
  normalized_text& operator=(const normalized_text&) = delete;
  ~normalized_text() = default;

  void set(std::string&& changed, text_alignment&& changed_alignment) {
    storage = std::move(changed);
    text = storage;
    alignment = std::move(changed_alignment);
  }
};

/// One step of a normalizer; a Sequence is a list of steps.
struct normalizer_step {
  enum class kind {
    strip,       ///< Strip: white space at the ends
    replace,     ///< Replace: each match of a pattern becomes `content`
    lower_case,  ///< Lowercase
    clean,       ///< BertNormalizer, clean_text: control characters vanish, white space becomes blanks
    ascii_only,  ///< NFC and relatives: nothing changes in ASCII, other text is refused
    prepend      ///< Prepend: `content` before a text that is not empty
  };
  kind what = kind::strip;
  std::string name = {};  ///< as the file calls it
  bool left = true;
  bool right = true;
  text_pattern pattern = {};
  std::string content = {};
};

/// Normalizes parts of a text, step by step.
class text_normalizer {
 public:
  std::vector<normalizer_step> steps = {};

  /// \throws error [dnalm.input.325] when the text grows to more than 16 times its length.
  void apply(normalized_text& text) const {
    const std::size_t limit = 16 * text.text.size() + 65536;
    for (const normalizer_step& step : steps) {
      switch (step.what) {
        case normalizer_step::kind::strip: strip(step, text); break;
        case normalizer_step::kind::replace: replace(step, text, limit); break;
        case normalizer_step::kind::lower_case: lower_case(text); break;
        case normalizer_step::kind::clean: clean(text); break;
        case normalizer_step::kind::ascii_only: break;
        case normalizer_step::kind::prepend: prepend(step, text, limit); break;
      }
    }
  }

 private:
  static void check_growth(const normalizer_step& step, std::size_t size, std::size_t limit) {
    if (size <= limit) return;
    throw error(error_kind::input, 325, "a text grows too much in the normalizer " + step.name,
                {.expected = "at most " + std::to_string(limit) + " bytes"});
  }

  static void strip(const normalizer_step& step, normalized_text& text) {
    std::size_t begin = 0;
    std::size_t end = text.text.size();
    if (step.left) {
      while (begin < end) {
        const utf8_character character = read_utf8(text.text, begin);
        if (!is_unicode_space(character.code)) break;
        begin += character.length;
      }
    }
    if (step.right) end = end_without_space(text.text, begin);
    if (begin == 0 && end == text.text.size()) return;
    text_alignment alignment;
    alignment.copy(text.alignment, begin, end);
    text.text = text.text.substr(begin, end - begin);
    text.alignment = std::move(alignment);
  }

  /// End of text[begin, ...) without the white space behind.
  [[nodiscard]] static std::size_t end_without_space(std::string_view text, std::size_t begin) {
    std::size_t end = text.size();
    while (end > begin) {
      std::size_t last = end - 1;  // first byte of the last character
      while (last > begin && end - last < 4 && (static_cast<unsigned char>(text[last]) & 0xC0U) == 0x80U)
        --last;
      const utf8_character character = read_utf8(text.substr(0, end), last);
      if (!is_unicode_space(character.code) || last + character.length != end) break;
      end = last;
    }
    return end;
  }

  static void replace(const normalizer_step& step, normalized_text& text, std::size_t limit) {
    pattern_search search(step.pattern, text.text);
    auto found = search.next(0);
    if (!found) return;
    std::string changed;
    text_alignment alignment;
    std::size_t done = 0;
    for (; found; found = search.next(done)) {
      changed.append(text.text, done, found->begin - done).append(step.content);
      alignment.copy(text.alignment, done, found->begin);
      alignment.replace(text.alignment, found->begin, found->end, step.content.size());
      done = found->end;
      check_growth(step, changed.size(), limit);
    }
    changed.append(text.text, done);
    alignment.copy(text.alignment, done, text.text.size());
    text.set(std::move(changed), std::move(alignment));
  }

  /// Letters beyond ASCII stay: no token holds one, so only their number matters; the two whose lower case is
  /// ASCII, or longer, are changed.
  static void lower_case(normalized_text& text) {
    std::string changed;
    changed.reserve(text.text.size());
    text_alignment alignment;
    std::size_t copied = 0;
    for (std::size_t at = 0; at < text.text.size();) {
      const utf8_character character = read_utf8(text.text, at);
      const std::string_view special = character.code == 0x212A   ? "k"
                                       : character.code == 0x0130 ? "i\xCC\x87"
                                                                  : "";
      if (!special.empty()) {
        alignment.copy(text.alignment, copied, at);
        alignment.replace(text.alignment, at, at + character.length, special.size());
        changed += special;
        copied = at + character.length;
      } else if (character.code < 128) {
        const char letter = text.text[at];
        changed += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
      } else {
        changed.append(text.text, at, character.length);
      }
      at += character.length;
    }
    alignment.copy(text.alignment, copied, text.text.size());
    text.set(std::move(changed), std::move(alignment));
  }

  static void clean(normalized_text& text) {
    const auto control = [](char c) {
      const auto code = static_cast<unsigned char>(c);
      return (code < 32 && c != '\t' && c != '\n' && c != '\r') || code == 127;
    };
    const auto changes = [&](char c) { return control(c) || c == '\t' || c == '\n' || c == '\r'; };
    if (std::none_of(text.text.begin(), text.text.end(), changes)) return;
    std::string changed;
    changed.reserve(text.text.size());
    text_alignment alignment;
    std::size_t copied = 0;
    for (std::size_t at = 0; at < text.text.size(); ++at) {
      const char letter = text.text[at];
      if (control(letter)) {
        alignment.copy(text.alignment, copied, at);
        copied = at + 1;
      } else {
        changed += changes(letter) ? ' ' : letter;
      }
    }
    alignment.copy(text.alignment, copied, text.text.size());
    text.set(std::move(changed), std::move(alignment));
  }

  /// The content stands for the first character of the text.
  static void prepend(const normalizer_step& step, normalized_text& text, std::size_t limit) {
    if (text.text.empty()) return;
    check_growth(step, text.text.size() + step.content.size(), limit);
    text_alignment alignment;
    alignment.replace(text.alignment, 0, read_utf8(text.text, 0).length, step.content.size());
    alignment.copy(text.alignment, 0, text.text.size());
    text.set(step.content + std::string(text.text), std::move(alignment));
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
