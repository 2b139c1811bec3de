// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which rows of a sequence a pooling sees for each of its outputs.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Output row i of a sequence sees its rows [i stride - before, i stride - before + size), of which those
/// outside of the sequence do not exist.
struct row_window {
  index_t size = 1;
  index_t stride = 1;
  index_t before = 0;           ///< rows that are missing before the first
  index_t after = 0;            ///< and behind the last
  bool same = false;            ///< ceil(rows / stride) outputs, what is missing shared out (Keras' `same`)
  bool counts_missing = false;  ///< a mean divides by `size` everywhere, not by the rows that exist

  /// Rows of the output for a sequence of `rows`; none: 0.
  [[nodiscard]] DNALM_HD index_t output_rows(index_t rows) const {
    if (same) return (rows + stride - 1) / stride;
    const index_t spare = rows + before + after - size;
    return spare < 0 ? 0 : spare / stride + 1;
  }
  /// Rows missing before the first, of a sequence of `rows`.
  [[nodiscard]] DNALM_HD index_t missing_before(index_t rows) const {
    if (!same) return before;
    const index_t missing = (output_rows(rows) - 1) * stride + size - rows;
    return missing > 0 ? missing / 2 : 0;
  }
};

DNALM_END_NAMESPACE
