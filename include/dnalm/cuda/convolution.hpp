// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What stands before and after the product of a convolution along sequences on a GPU.
///
/// A convolution is one product with the weights (out, taps in): of rows that hold what the taps read side by
/// side. cuBLASLt then has one long sum per number (9 x 512 of GPN's) instead of nine short ones, whose
/// partial sums would be written and read again; tensor cores are used as in any other product, in each
/// precision. Sequence borders are settled where rows are copied: no row of padding exists, and no product
/// meets another sequence.
///
/// Prediction, for blocks of 4,224 rows, 512 channels and 9 taps: 20 GFLOP a block, 1 ms at 19.5 TFLOP/s (f32
/// on an A100) and 0.07 ms in bf16; the copy is written and read once, 78 MB (39 in bf16), 0.1 ms (0.05) at
/// 1.5 TB/s, and partly stays in the L2 cache. So f32 loses some 10 % to it, and bf16 up to 40 %: what an own
/// product that gathers while it loads would gain. Not measured.
#pragma once

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, t in + c] = x[i stride + taps.offset(t), c], i the place of output row first + r in its sequence and
/// the rows of x counted within that sequence; 0 where it has no such row and in the columns that y has more
/// than taps in.
///
/// x (R, in) has all rows of `rows.from`, y some of `rows.to`; T is float or bfloat16, in which the numbers
/// are rounded.
template <class T>
void cuda_gather_taps(cuda_stream stream, device_matrix<const float> x, const device_resizing& rows,
                      const convolution_taps& taps, index_t first, device_matrix<T> y);

/// The adjoint, with a residual: dx[r, c] = residual[r, c] + the sum of z[i - z_first, t in + c] over the
/// output rows i and taps t that read row first + r.
///
/// One chain over increasing t in float. z holds all those rows, row 0 that of number z_first; residual (data
/// null: none) and dx (some of `rows.from`, in), dx may be the residual.
void cuda_sum_taps(cuda_stream stream, device_matrix<const float> z, index_t z_first,
                   const device_resizing& rows, const convolution_taps& taps, index_t first,
                   device_matrix<const float> residual, device_matrix<float> dx);

DNALM_END_NAMESPACE
