// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One vector of a sequence's rows on a GPU: their sum, mean, largest or first.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// What becomes of a sequence's rows.
enum class row_reduction {
  mean,     ///< of the rows that are not left out
  sum,      ///< of these
  largest,  ///< of these, by channel
  first     ///< the sequence's first row, left out or not; NaN where there is none
};

/// Which rows become one, and how.
struct device_pooling {
  device_vector<const index_t> offsets;              ///< those of a ragged_offsets: sequences + 1
  device_vector<const unsigned char> left_out = {};  ///< one flag per row: not counted; empty: all rows are
  row_reduction how = row_reduction::mean;

  [[nodiscard]] index_t sequences() const { return offsets.size == 0 ? 0 : offsets.size - 1; }
};

/// y[s, c] = (1 / n) sum of x[r, c] over the n rows of sequence s that are not left out, the sum alone, the
/// largest of them, or x[r, c] of its first row.
///
/// x (R, D), y (sequences, D) in float. Added up in double in the order of the rows: for float rows the bits
/// of pool_sequences. A mean or largest of no rows is NaN. T is float or bfloat16. Cost: one read of x.
template <class T>
void cuda_pool_rows(cuda_stream stream, device_rows<T> x, const device_pooling& pooling,
                    device_matrix<float> y);

/// The adjoint of all but `largest`, which has none here: dx[r, c] = dy[s, c] / n (dy[s, c] of a sum) for the
/// rows of sequence s, 0 for those left out; of `first`, dy[s, c] for the first row and 0 for all others.
/// dy (sequences, D), dx (R, D). \throws error [dnalm.unsupported.640] for `largest`.
template <class T>
void cuda_pool_rows_vjp(cuda_stream stream, device_matrix<const float> dy, const device_pooling& pooling,
                        device_matrix<T> dx);

/// y[s, c] += sum over the rows of sequence s of (x[r, c] - x[r, c]): what was 0 becomes NaN where a number
/// is NaN or infinite. x (R, D), y (sequences, D).
template <class T>
void cuda_note_non_finite(cuda_stream stream, device_rows<T> x, device_vector<const index_t> offsets,
                          device_matrix<float> y);

DNALM_END_NAMESPACE
