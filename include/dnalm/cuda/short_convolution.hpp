// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Depthwise causal convolution of a few taps on a GPU, with its adjoint.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[t, c] = bias[c] + sum over j < K of w[j, c] x[t - K + 1 + j, c], rows before a sequence being zeros.
///
/// One chain of fused multiply-adds over j. x, y (R, C), not overlapping; w (K, C), contiguous rows; bias
/// (C); offsets as a batch has them. Cost: one read and one write of memory, K reads of rows that the
/// neighbours' teams have brought into the cache.
void cuda_short_convolution(cuda_stream stream, device_matrix<const float> x, device_matrix<const float> w,
                            device_vector<const float> bias, device_vector<const index_t> offsets,
                            device_matrix<float> y);

/// dx[t, c] = sum over j < K of w[j, c] dy[t + K - 1 - j, c], rows behind a sequence being zeros. dy, dx (R,
/// C), not overlapping.
void cuda_short_convolution_vjp(cuda_stream stream, device_matrix<const float> dy,
                                device_matrix<const float> w, device_vector<const index_t> offsets,
                                device_matrix<float> dx);

/// The same from the other end: y[t, c] = bias[c] + sum over j < K of w[j, c] x[t + K - 1 - j, c], rows
/// behind a sequence being zeros.
void cuda_short_convolution_back(cuda_stream stream, device_matrix<const float> x,
                                 device_matrix<const float> w, device_vector<const float> bias,
                                 device_vector<const index_t> offsets, device_matrix<float> y);

/// dx[t, c] = sum over j < K of w[j, c] dy[t - K + 1 + j, c], rows before a sequence being zeros.
void cuda_short_convolution_back_vjp(cuda_stream stream, device_matrix<const float> dy,
                                     device_matrix<const float> w, device_vector<const index_t> offsets,
                                     device_matrix<float> dx);

DNALM_END_NAMESPACE
