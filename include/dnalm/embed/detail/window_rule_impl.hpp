// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of embed/window_rule.hpp.
#pragma once

#include <charconv>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/embed/window_rule.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE index_t parse_window(std::string_view text) {
  if (text == "max") return window_rule::model_limit;
  index_t tokens = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), tokens);
  if (problem != std::errc() || end != text.data() + text.size() || tokens < 1) {
    throw error(error_kind::usage, 461, "a window that cannot be read",
                {.expected = "max, or a number of tokens from 1", .found = "'" + std::string(text) + "'"});
  }
  return tokens;
}

DNALM_INLINE std::vector<token_window> plan_windows(index_t tokens, index_t capacity, index_t overlap) {
  if (capacity < 1 || overlap < 0 || overlap >= capacity) {
    throw error(
        error_kind::usage, 460, "windows that cannot be laid",
        {.expected = "a window with room for at least one token beside CLS and the like, and an "
                     "overlap smaller than that room",
         .found = "room for " + std::to_string(capacity) + " tokens, overlap " + std::to_string(overlap)});
  }
  std::vector<token_window> windows = {{0, tokens, 0, tokens}};
  while (windows.back().begin + capacity < tokens) {
    token_window& before = windows.back();
    before.end = before.begin + capacity;
    const index_t next = before.begin + (capacity - overlap);
    const index_t begin = next + capacity < tokens ? next : tokens - capacity;
    // Of o shared tokens number j lies o - 1 - j before the end of the one window and j behind the start of
    // the other: the first ceil(o / 2) stay with the earlier one.
    const index_t shared = before.end - begin;
    before.keep_end = begin + (shared + 1) / 2;
    windows.push_back({begin, tokens, before.keep_end, tokens});
  }
  return windows;
}

DNALM_END_NAMESPACE
