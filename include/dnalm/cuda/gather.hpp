// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Some rows of a matrix on a GPU: taken out, put back, moved.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[i] = x[rows[i]], bit for bit: so a head or a score meets only the rows that were asked for.
///
/// rows (n), each below the rows of x; y (n, D). T is float, bfloat16 or double, as in the functions below.
template <class T>
void cuda_gather_rows(cuda_stream stream, device_rows<T> x, device_vector<const index_t> rows,
                      device_matrix<T> y);

/// The adjoint for rows that are all different: dx[rows[i]] = dy[i], 0 in all other rows of dx.
///
/// dx overlaps neither. A row named twice would get one of both gradients, not their sum.
template <class T>
void cuda_gather_rows_vjp(cuda_stream stream, device_rows<T> dy, device_vector<const index_t> rows,
                          device_matrix<T> dx);

/// y[to[i]] = x[from[i]]; all other rows of y stay. `from` and `to` (n), rows of x and y; those of y all
/// different. Without `from` row i is moved.
template <class T>
void cuda_move_rows(cuda_stream stream, device_rows<T> x, device_vector<const index_t> from,
                    device_vector<const index_t> to, device_matrix<T> y);

DNALM_END_NAMESPACE
