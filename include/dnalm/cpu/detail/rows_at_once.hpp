// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How many rows of a sequence the long convolution computes at once, by transforms.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Up to so many rows a sequence is computed by sums alone.
inline constexpr index_t convolution_direct_rows = 128;
/// Rows that may stand behind those that are computed at once.
inline constexpr index_t convolution_rows_behind = 32;
/// From so many rows on none does.
inline constexpr index_t convolution_all_at_once = index_t{1} << 16;

/// Rows computed at once: 0 for short sequences, else the smallest P of 2^k and 3 x 2^k that will do.
[[nodiscard]] inline index_t convolution_rows_at_once(index_t length) {
  if (length <= convolution_direct_rows) return 0;
  for (index_t power = 128;; power = checked_mul(power, 2)) {
    for (const index_t rows : {power, checked_mul(power, 3) / 2}) {
      if (rows + (rows < convolution_all_at_once ? convolution_rows_behind : 0) >= length) return rows;
    }
  }
}

/// Taps that serve all lengths with these rows at once.
[[nodiscard]] inline index_t taps_for_rows_at_once(index_t rows_at_once) {
  if (rows_at_once == 0) return convolution_direct_rows;
  return rows_at_once + (rows_at_once < convolution_all_at_once ? convolution_rows_behind : 0);
}

}  // namespace detail
DNALM_END_NAMESPACE
