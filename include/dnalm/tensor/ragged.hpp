// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Packed batches of unequal length: one tall block of rows and where each sequence starts.
#pragma once

#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Sequence s owns rows [offsets[s], offsets[s + 1]) of a packed block; offsets has one entry more than
/// sequences.
struct ragged_offsets {
  std::vector<index_t> offsets{0};

  [[nodiscard]] index_t sequences() const { return static_cast<index_t>(offsets.size()) - 1; }
  [[nodiscard]] index_t rows() const { return offsets.back(); }
  [[nodiscard]] index_t begin(index_t s) const { return offsets[static_cast<std::size_t>(s)]; }
  [[nodiscard]] index_t length(index_t s) const { return begin(s + 1) - begin(s); }
  /// Adds one sequence of `length` rows. \throws error [dnalm.shape.102] on overflow.
  void append(index_t length) { offsets.push_back(checked_add(offsets.back(), length)); }
  void clear() { offsets.assign(1, 0); }
};

DNALM_END_NAMESPACE
