// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A small set of tokens found in text by their first byte, the longest first.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Finds `<mask>`, `N` and the like where they stand in a text. Cost of a miss: one table look-up.
class literal_tokens {
 public:
  /// A token that was found: id -1 and length 0 when there is none.
  struct match {
    std::int32_t id = -1;
    std::size_t length = 0;
  };

  /// Adds a token; an empty text is ignored.
  void add(std::string text, std::int32_t id) {
    if (text.empty()) return;
    auto& list = by_first_byte_[static_cast<unsigned char>(text[0])];
    const auto longer = [&](const entry& other) { return other.text.size() >= text.size(); };
    const auto place = std::find_if_not(list.begin(), list.end(), longer);
    list.insert(place, entry{std::move(text), id});
  }

  /// The longest token that begins at `text[at]`.
  [[nodiscard]] match find(std::string_view text, std::size_t at) const {
    for (const entry& candidate : by_first_byte_[static_cast<unsigned char>(text[at])]) {
      if (text.substr(at, candidate.text.size()) == candidate.text) {
        return {candidate.id, candidate.text.size()};
      }
    }
    return {};
  }

 private:
  struct entry {
    std::string text;
    std::int32_t id;
  };
  std::array<std::vector<entry>, 256> by_first_byte_;
};

DNALM_END_NAMESPACE
