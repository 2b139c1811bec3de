// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Poolings on a GPU whose weights come from the rows of another matrix, with their adjoints.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[i, c] = the sum of w_r x[r, c] over the `size` rows r that i pools (fewer at a sequence's end), w =
/// softmax of logits[r, c] over them (softmax_pooling.hpp).
///
/// x and logits (rows.from, C), y (rows.to, C), overlapping neither. The largest logit, the sum of
/// exponentials and the weighted sum one after the other in the order of the rows. Cost: three reads of the
/// logits, two from the cache, one of x, a write of y.
void cuda_softmax_pool_rows(cuda_stream stream, device_matrix<const float> x,
                            device_matrix<const float> logits, const device_resizing& rows, index_t size,
                            device_matrix<float> y);
/// dx[r, c] = w_r dy[i, c], dlogits[r, c] = w_r (x[r, c] - y[i, c]) dy[i, c]; they overlap nothing.
void cuda_softmax_pool_rows_vjp(cuda_stream stream, device_matrix<const float> x,
                                device_matrix<const float> logits, const device_resizing& rows, index_t size,
                                device_matrix<const float> dy, device_matrix<float> dx,
                                device_matrix<float> dlogits);

/// Numbers of scratch memory that cuda_masked_mean and its adjoint need.
[[nodiscard]] inline index_t cuda_masked_mean_scratch(index_t rows, index_t sequences) {
  return checked_add(rows, sequences);
}

/// y[s, c] = (sum of m_r x[r, c]) / n over the rows r of sequence s, m_r the largest number of mask's row r,
/// n = max(sum of m_r, 1e-7) (masked_mean.hpp). x (R, C), mask (R, K), y (sequences, C).
///
/// Sums over the rows in their order; n by the lanes of a warp.
void cuda_masked_mean(cuda_stream stream, device_matrix<const float> x, device_matrix<const float> mask,
                      device_vector<const index_t> offsets, device_vector<float> scratch,
                      device_matrix<float> y);
/// dx[r, c] = m_r dy[s, c] / n; dmask[r, k] = (sum over c of dy[s, c] (x[r, c] - y[s, c])) / n for the first
/// k of m_r, 0 for the others. They overlap nothing.
void cuda_masked_mean_vjp(cuda_stream stream, device_matrix<const float> x, device_matrix<const float> mask,
                          device_matrix<const float> y, device_vector<const index_t> offsets,
                          device_matrix<const float> dy, device_vector<float> scratch,
                          device_matrix<float> dx, device_matrix<float> dmask);

DNALM_END_NAMESPACE
