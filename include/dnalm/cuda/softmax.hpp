// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Softmax of rows on a GPU.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// x[r, c] = exp(x[r, c] - max_r) / sum over c of the same, in place. Rows have at least one column.
///
/// T is float or bfloat16; arithmetic in float. Cost: three reads (two of them from the cache) and one write
/// of x, two exponentials per number.
template <class T>
void cuda_softmax_rows(cuda_stream stream, device_matrix<T> x);

/// dx[r, c] = p[r, c] (dp[r, c] - sum over j of p[r, j] dp[r, j]), p the probabilities. dx may be dp.
template <class T>
void cuda_softmax_rows_vjp(cuda_stream stream, device_rows<T> p, device_rows<T> dp, device_matrix<T> dx);

DNALM_END_NAMESPACE
