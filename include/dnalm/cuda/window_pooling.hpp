// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Poolings of windows of rows on a GPU, with their adjoints.
#pragma once

#include <dnalm/backend/row_window.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[i, c] = the largest of x[r, c] over the rows r that output row i sees (row_window.hpp).
///
/// x (rows.from, C), y (rows.to, C); every output sees at least one row. One comparison after the other in
/// the order of the rows: the bits of max_pool_rows. Cost: size / stride reads of x, most of them from the
/// cache, and a write of y.
void cuda_max_pool_rows(cuda_stream stream, device_matrix<const float> x, const device_resizing& rows,
                        const row_window& window, device_matrix<float> y);

/// dx[r, c] = the sum of dy[i, c] over the outputs i whose first largest row is r, in their order.
///
/// dy (rows.to, C), dx (rows.from, C), which overlaps neither. Cost: every row looks at the windows that see
/// it, size^2 / stride reads of x, most of them from the cache.
void cuda_max_pool_rows_vjp(cuda_stream stream, device_matrix<const float> x, const device_resizing& rows,
                            const row_window& window, device_matrix<const float> dy, device_matrix<float> dx);

/// y[i, c] = the mean of x[r, c] over the rows r that i sees (row_window::counts_missing): the sum in their
/// order, times the inverse of their number.
void cuda_average_pool_rows(cuda_stream stream, device_matrix<const float> x, const device_resizing& rows,
                            const row_window& window, device_matrix<float> y);

/// dx[r, c] = the sum of dy[i, c] / (rows of i's mean) over the outputs i that see r, in their order.
void cuda_average_pool_rows_vjp(cuda_stream stream, const device_resizing& rows, const row_window& window,
                                device_matrix<const float> dy, device_matrix<float> dx);

/// dx[r, c] = dy[s, c] in the first row r whose x[r, c] is the largest of its sequence s, 0 elsewhere: the
/// adjoint of cuda_pool_rows' `largest`. x, dx (R, C), dy (sequences, C). Cost: two reads of x, a write of
/// dx.
void cuda_sequence_max_vjp(cuda_stream stream, device_matrix<const float> x,
                           device_vector<const index_t> offsets, device_matrix<const float> dy,
                           device_matrix<float> dx);

DNALM_END_NAMESPACE
