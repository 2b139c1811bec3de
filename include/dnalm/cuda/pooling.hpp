// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One vector of a sequence's rows on a GPU: their sum or mean.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// Which rows become one, and how.
struct device_pooling {
  device_vector<const index_t> offsets;              ///< those of a ragged_offsets: sequences + 1
  device_vector<const unsigned char> left_out = {};  ///< one flag per row: not counted; empty: all rows are
  bool mean = true;                                  ///< else the sum

  [[nodiscard]] index_t sequences() const { return offsets.size == 0 ? 0 : offsets.size - 1; }
};

/// y[s, c] = (1 / n) sum of x[r, c] over the n rows of sequence s that are not left out, or the sum alone.
///
/// x (R, D), y (sequences, D) in float. Added up in double in the order of the rows: for float rows the bits
/// of pool_sequences. A mean of no rows is NaN. T is float or bfloat16. Cost: one read of x.
template <class T>
void cuda_pool_rows(cuda_stream stream, device_rows<T> x, const device_pooling& pooling,
                    device_matrix<float> y);

/// The adjoint: dx[r, c] = dy[s, c] / n (dy[s, c] of a sum) for the rows of sequence s, 0 for those left out.
/// dy (sequences, D), dx (R, D).
template <class T>
void cuda_pool_rows_vjp(cuda_stream stream, device_matrix<const float> dy, const device_pooling& pooling,
                        device_matrix<T> dx);

DNALM_END_NAMESPACE
