// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which rows of a sequence a convolution reads for each of its outputs.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Output row i of a sequence reads its rows i stride - before + t dilation for t = 0, 1, ..., taps - 1; rows
/// outside of the sequence are zeros.
struct convolution_taps {
  index_t taps = 1;
  index_t dilation = 1;
  index_t before = 0;
  index_t stride = 1;

  /// The row that tap t reads, counted from the output's row (times the stride).
  [[nodiscard]] DNALM_HD index_t offset(index_t t) const { return t * dilation - before; }
  /// The rows that read a row: the adjoint is a convolution with these taps, tap t being tap taps - 1 - t of
  /// the forward. With a stride, what it reads is the output with stride - 1 rows of zeros behind each of its
  /// rows.
  [[nodiscard]] DNALM_HD convolution_taps reversed() const {
    return {taps, dilation, (taps - 1) * dilation - before};
  }
  /// Rows of the output for a sequence of `rows`, of which `after` rows of zeros are behind; none: 0.
  [[nodiscard]] DNALM_HD index_t output_rows(index_t rows, index_t after) const {
    const index_t spare = rows + before + after - ((taps - 1) * dilation + 1);
    return spare < 0 ? 0 : spare / stride + 1;
  }
};

/// As many rows before as behind; where that is impossible one more behind (PyTorch's and Keras' `same`).
[[nodiscard]] constexpr convolution_taps same_taps(index_t taps, index_t dilation = 1) {
  return {taps, dilation, (taps - 1) * dilation / 2};
}
/// The row itself and rows before it.
[[nodiscard]] constexpr convolution_taps causal_taps(index_t taps, index_t dilation = 1) {
  return {taps, dilation, (taps - 1) * dilation};
}

DNALM_END_NAMESPACE
