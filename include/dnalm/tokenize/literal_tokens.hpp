// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A small set of tokens found in text by their first byte, the longest first.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Finds `<mask>`, `N` and the like where they stand in a text: a trie.
///
/// Cost of a miss: one table look-up; of a match: the length of the longest token.
class literal_tokens {
 public:
  /// A token that was found: id -1 and length 0 when there is none.
  struct match {
    std::int32_t id = -1;
    std::size_t length = 0;
  };

  literal_tokens() { first_.fill(-1); }

  /// Adds a token; an empty text is ignored, and of equal texts the first counts.
  void add(std::string_view text, std::int32_t id) {
    if (text.empty()) return;
    std::int32_t& first = first_[static_cast<unsigned char>(text[0])];
    if (first < 0) first = new_node(text[0]);
    std::int32_t at = first;
    for (const char letter : text.substr(1)) {
      std::int32_t next = child(at, letter);
      if (next < 0) {
        next = new_node(letter);
        nodes_[index(next)].sibling = nodes_[index(at)].child;
        nodes_[index(at)].child = next;
      }
      at = next;
    }
    if (nodes_[index(at)].id < 0) nodes_[index(at)].id = id;
  }

  /// Whether no token was added.
  [[nodiscard]] bool empty() const { return nodes_.empty(); }

  /// The longest token that begins at `text[at]`.
  [[nodiscard]] match find(std::string_view text, std::size_t at) const {
    match found;
    std::int32_t here = first_[static_cast<unsigned char>(text[at])];
    for (std::size_t length = 1; here >= 0; ++length) {
      if (nodes_[index(here)].id >= 0) found = {nodes_[index(here)].id, length};
      here = length < text.size() - at ? child(here, text[at + length]) : -1;
    }
    return found;
  }

  /// The first place at or behind `at` where some token may begin, or the end.
  [[nodiscard]] std::size_t next_candidate(std::string_view text, std::size_t at) const {
    while (at < text.size() && first_[static_cast<unsigned char>(text[at])] < 0) ++at;
    return at;
  }

 private:
  struct node {
    std::int32_t child = -1;  // the first; the others are its siblings
    std::int32_t sibling = -1;
    std::int32_t id = -1;  // of the token that ends here
    char letter = 0;
  };
  [[nodiscard]] static std::size_t index(std::int32_t at) { return static_cast<std::size_t>(at); }
  [[nodiscard]] std::int32_t child(std::int32_t at, char letter) const {
    std::int32_t next = nodes_[index(at)].child;
    while (next >= 0 && nodes_[index(next)].letter != letter) next = nodes_[index(next)].sibling;
    return next;
  }
  std::int32_t new_node(char letter) {
    nodes_.push_back({.letter = letter});
    return static_cast<std::int32_t>(nodes_.size()) - 1;
  }

  std::array<std::int32_t, 256> first_;
  std::vector<node> nodes_;
};

DNALM_END_NAMESPACE
