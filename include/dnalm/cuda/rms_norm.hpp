// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief RMS norm of rows on a GPU.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = x[r, c] factor_r gamma[c], factor_r = 1 / sqrt(mean over c of x[r, c]^2 + eps).
///
/// x, y (R, D); y may be x. T is float or bfloat16; arithmetic in float. Cost: two reads (one of them from
/// the cache) and one write of x.
template <class T>
void cuda_rms_norm(cuda_stream stream, device_rows<T> x, device_vector<const float> gamma, float eps,
                   device_matrix<T> y);

/// dx[r, c] = factor_r (g_c - h_c mean(g h)), g_c = dy[r, c] gamma[c], h_c = x[r, c] factor_r; the mean over
/// c.
///
/// x, dy, dx (R, D); dx may be dy, not x.
template <class T>
void cuda_rms_norm_vjp(cuda_stream stream, device_rows<T> x, device_vector<const float> gamma, float eps,
                       device_rows<T> dy, device_matrix<T> dx);

DNALM_END_NAMESPACE
