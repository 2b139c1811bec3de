// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows that are padded, cropped, flattened, repeated, joined and turned round on a GPU, with the
/// adjoints.
#pragma once

#include <dnalm/backend/row_placement.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

// All of them move numbers as they are, a read and a write of memory, and none may overlap its input. An
// adjoint takes the forward's rows, and its numbers are those of the forward's adjoint in row_placement.hpp.

/// y[i] = x[i - before] within each sequence, or `fill` (empty: zeros) where x has no such row; before =
/// placement.rows_before. x (rows.from, C), y (rows.to, C).
void cuda_place_rows(cuda_stream stream, device_matrix<const float> x, const device_resizing& rows,
                     const row_placement& placement, device_vector<const float> fill, device_matrix<float> y);
/// dx[j] = dy[j + before], 0 where y has no such row.
void cuda_place_rows_vjp(cuda_stream stream, device_matrix<const float> dy, const device_resizing& rows,
                         const row_placement& placement, device_matrix<float> dx);

/// The rows of every sequence of x (rows.from) into rows [first[s], ...) of the same sequence of y (rows.to);
/// the other rows of y stay.
void cuda_join_rows(cuda_stream stream, device_matrix<const float> x, const device_resizing& rows,
                    device_vector<const index_t> first, device_matrix<float> y);
void cuda_join_rows_vjp(cuda_stream stream, device_matrix<const float> dy, const device_resizing& rows,
                        device_vector<const index_t> first, device_matrix<float> dx);

/// y[s, r C + c] = x[r, c] for the rows r of sequence s, or y[s, c L + r] when `by_channels`. x (sequences L,
/// C), y (sequences, L C).
void cuda_flatten_rows(cuda_stream stream, device_matrix<const float> x, index_t length, bool by_channels,
                       device_matrix<float> y);
void cuda_flatten_rows_vjp(cuda_stream stream, device_matrix<const float> dy, index_t length,
                           bool by_channels, device_matrix<float> dx);

/// y[r factor + k] = x[r], 0 <= k < factor.
void cuda_repeat_rows(cuda_stream stream, device_matrix<const float> x, index_t factor,
                      device_matrix<float> y);
/// dx[r] = the sum of dy[r factor + k], in their order.
void cuda_repeat_rows_vjp(cuda_stream stream, device_matrix<const float> dy, index_t factor,
                          device_matrix<float> dx);

/// y[i, c] = x[L - 1 - i, C - 1 - c] in every sequence of L rows: its own adjoint.
void cuda_reverse_rows(cuda_stream stream, device_matrix<const float> x, device_vector<const index_t> offsets,
                       device_matrix<float> y);

DNALM_END_NAMESPACE
