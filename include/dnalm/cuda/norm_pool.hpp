// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief LayerNorm of rows and pooled vectors of the same rows on a GPU, in one pass.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// Rows of a sequence that one block takes.
inline constexpr index_t norm_pool_rows = 32;

/// What becomes of the rows beside their norm; (sequences, D) in float. What has no data is not made.
struct device_pooled_rows {
  device_matrix<float> mean = {};      ///< over the rows that are not left out; NaN where there is none
  device_matrix<float> mean_all = {};  ///< over all rows
  device_matrix<float> noted = {};     ///< what was 0 becomes NaN where a number of x is NaN or infinite
};

/// Which rows are whose.
struct norm_pool_batch {
  device_vector<const index_t> offsets;              ///< those of a ragged_offsets: sequences + 1
  device_vector<const unsigned char> left_out = {};  ///< one flag per row; empty: none is left out
  index_t longest = 0;                               ///< rows of the longest sequence

  [[nodiscard]] index_t sequences() const { return offsets.size == 0 ? 0 : offsets.size - 1; }
};

/// Numbers of scratch that cuda_norm_pool needs for R rows.
/// \throws error [dnalm.shape.101] for sizes that are none.
[[nodiscard]] inline index_t cuda_norm_pool_scratch(index_t rows, index_t sequences, index_t columns) {
  const index_t parts = checked_add(checked_add(rows / norm_pool_rows, sequences), 1);
  return checked_mul(checked_mul(2, parts), columns);
}

/// y = LayerNorm(x) as cuda_layer_norm, and the means of x by sequence.
///
/// x (R, D) in float; y (R, D) in T, float or bfloat16; y may be x. y has the bits of cuda_layer_norm for
/// float. Means: parts of 32 rows of a sequence are added up in double in the order of the rows, then the
/// parts in theirs; so the bits depend on the sequence alone. Sequences of up to 32 rows have those of
/// cuda_pool_rows, longer ones may differ by the rounding of the sum in double: n 2^-53 sum |x| before the
/// one to float. `scratch`: cuda_norm_pool_scratch numbers. Cost: one read of x from memory, two from the
/// cache.
/// \throws error [dnalm.device.602] for rows of 2^30 numbers and more.
template <class T>
void cuda_norm_pool(cuda_stream stream, device_matrix<const float> x, device_vector<const float> gamma,
                    device_vector<const float> beta, float eps, const norm_pool_batch& batch,
                    device_vector<double> scratch, device_matrix<T> y, const device_pooled_rows& pooled);

DNALM_END_NAMESPACE
