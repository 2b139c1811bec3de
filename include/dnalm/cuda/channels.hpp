// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Kernels on a GPU that work channel by channel: scale and shift, thresholds, depthwise convolutions,
/// weights of positions and of sequences, with their adjoints.
#pragma once

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

// Formulas as in backend/channel_kernels.hpp. Where a number is a sum, it is one chain in the order that is
// given here, and depends on its own sequence only.

/// y[r, c] = x[r, c] scale[c] + shift[c] (shift empty: none), rounded after each operation; y may be x.
/// Without a shift it is its own adjoint.
void cuda_scale_channels(cuda_stream stream, device_matrix<const float> x, device_vector<const float> scale,
                         device_vector<const float> shift, device_matrix<float> y);

/// y[r, c] = x[r, c] where it is above `threshold`, else `value`; y may be x.
void cuda_threshold_rows(cuda_stream stream, device_matrix<const float> x, float threshold, float value,
                         device_matrix<float> y);
/// dx[r, c] = dy[r, c] where x[r, c] is above `threshold`, else 0; dx may be dy.
void cuda_threshold_rows_vjp(cuda_stream stream, device_matrix<const float> x, float threshold,
                             device_matrix<const float> dy, device_matrix<float> dx);

/// y[i, c] = bias[c] + sum over t of x[i stride + t dilation - before, c] w[t, c], rows outside of the
/// sequence being zeros; bias empty: none.
///
/// x (rows.from, C), w (taps, C), y (rows.to, C), not overlapping x. Fused multiply-adds over increasing t.
/// Cost: taps reads of x, most of them from the cache, and a write of y.
void cuda_depthwise_convolution(cuda_stream stream, device_matrix<const float> x, const device_resizing& rows,
                                device_matrix<const float> w, device_vector<const float> bias,
                                const convolution_taps& taps, device_matrix<float> y);
/// dx[j, c] = the sum of dy[i, c] w[t, c] over the outputs i and taps t that read j, over increasing t.
void cuda_depthwise_convolution_vjp(cuda_stream stream, device_matrix<const float> dy,
                                    const device_resizing& rows, device_matrix<const float> w,
                                    const convolution_taps& taps, device_matrix<float> dx);

/// y[r, c] = x[r, c] w[r mod L, c], w (L, C): all sequences have L rows. Its own adjoint; y may be x.
void cuda_weigh_positions(cuda_stream stream, device_matrix<const float> x, device_matrix<const float> w,
                          device_matrix<float> y);

/// y[i] = sum over j of w[i, j] x[j] within each sequence, w (M, L), x (sequences L, C), y (sequences M, C).
///
/// Fused multiply-adds over increasing j, numbers of w that are 0 left out. Cost: M L C products a sequence.
void cuda_project_positions(cuda_stream stream, device_matrix<const float> x, device_matrix<const float> w,
                            device_matrix<float> y);
/// dx[j] = sum over i of w[i, j] dy[i] within each sequence.
void cuda_project_positions_vjp(cuda_stream stream, device_matrix<const float> dy,
                                device_matrix<const float> w, device_matrix<float> dx);

/// y[r, c] = x[r, c] g[s, c], s the sequence of row r; g (sequences, C). By x its own adjoint; y may be x.
void cuda_multiply_sequences(cuda_stream stream, device_matrix<const float> x, device_matrix<const float> g,
                             device_vector<const index_t> offsets, device_matrix<float> y);
/// dg[s, c] = the sum of dy[r, c] x[r, c] over the rows of sequence s, fused multiply-adds in their order.
void cuda_multiply_sequences_vjp(cuda_stream stream, device_matrix<const float> x,
                                 device_vector<const index_t> offsets, device_matrix<const float> dy,
                                 device_matrix<float> dg);

/// y[r, c] += g[s, c], s the sequence of row r; g (sequences, C).
void cuda_add_sequences(cuda_stream stream, device_matrix<const float> g,
                        device_vector<const index_t> offsets, device_matrix<float> y);

DNALM_END_NAMESPACE
