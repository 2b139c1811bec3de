// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Edits of a sequence as letters and rows, taken apart for passes that have memory for some of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/token_batch.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Ids and places of edits, in their order.
struct edit_list {
  std::vector<std::int32_t> letters = {};
  std::vector<index_t> places = {};

  /// `before` rows stand before that of token 0.
  edit_list(std::span<const token_edit> edits, index_t before) {
    for (const token_edit& edit : edits) {
      letters.push_back(edit.id);
      places.push_back(edit.token + before);
    }
  }

  /// Calls use(first, letters, places) with all edits, `most` at a time, from edit number `first` on.
  template <class Use>
  void in_parts(index_t most, const Use& use) const {
    const auto all = static_cast<index_t>(places.size());
    for (index_t first = 0; first < all; first += most) {
      const auto at = static_cast<std::size_t>(first);
      const auto count = static_cast<std::size_t>(std::min(most, all - first));
      use(first, std::span(letters).subspan(at, count), std::span(places).subspan(at, count));
    }
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
