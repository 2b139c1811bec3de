// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief LayerNorm of rows on a GPU.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = (x[r, c] - mean_r) / sqrt(var_r + eps) gamma[c] + beta[c], var the biased variance.
///
/// Two passes, the second of which corrects the rounding of the mean. x, y (R, D); y may be x where both have
/// one type. T, and X, are float or bfloat16, X not bfloat16 alone; arithmetic in float. Cost: three reads
/// (two of them from the cache) and one write of x.
template <class T, class X = T>
void cuda_layer_norm(cuda_stream stream, device_rows<X> x, device_vector<const float> gamma,
                     device_vector<const float> beta, float eps, device_matrix<T> y);

/// cuda_layer_norm of float rows, and z = y in another storage type Z: the same bits as rounding y. y may be
/// x.
template <class Z>
void cuda_layer_norm_both(cuda_stream stream, device_matrix<const float> x, device_vector<const float> gamma,
                          device_vector<const float> beta, float eps, device_matrix<float> y,
                          device_matrix<Z> z);

/// dx[r, c] = factor_r (g_c - mean(g) - h_c mean(g h)), g_c = dy[r, c] gamma[c], h_c = (x[r, c] - mean_r)
/// factor_r, factor_r = 1 / sqrt(var_r + eps); means over c.
///
/// x, dy, dx (R, D); dx may be dy, not x.
template <class T>
void cuda_layer_norm_vjp(cuda_stream stream, device_rows<T> x, device_vector<const float> gamma, float eps,
                         device_rows<T> dy, device_matrix<T> dx);

DNALM_END_NAMESPACE
