// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The tokens of one sequence and the bases each of them covers.
#pragma once

#include <cstdint>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/offset_list.hpp>

DNALM_BEGIN_NAMESPACE

/// Token i has number `ids[i]` and covers the bases [begin[i], end[i]) of the sequence, counted from 0.
/// Tokens that the tokenizer adds (CLS, SEP, EOS) have begin == end. In literal text the offsets count bytes.
/// Overlapping k-mers share bases: the end of one may lie behind the begin of the next.
struct token_sequence {
  std::vector<std::int32_t> ids = {};
  offset_list begin = {};
  offset_list end = {};

  [[nodiscard]] index_t size() const { return static_cast<index_t>(ids.size()); }
  void append(std::int32_t id, index_t first, index_t last) {
    ids.push_back(id);
    begin.push_back(first);
    end.push_back(last);
  }
  void reserve(index_t tokens) {
    const auto count = static_cast<std::size_t>(tokens);
    ids.reserve(count);
    begin.reserve(count);
    end.reserve(count);
  }
};

DNALM_END_NAMESPACE
