// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows of embedding tables on a GPU.
#pragma once

#include <cstdint>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = row_scale[r] table[ids[r], c]; row_scale empty: 1. ids are rows of the table, one per row of y.
/// T is float or bfloat16; the product is formed in float.
template <class T>
void cuda_embed_rows(cuda_stream stream, device_vector<const std::int32_t> ids, device_rows<T> table,
                     device_vector<const float> row_scale, device_matrix<T> y);

/// Gradient by the looked-up rows: dx[r, c] = row_scale[r] dy[r, c]; row_scale empty: 1. dx may be dy.
template <class T>
void cuda_embed_rows_vjp(cuda_stream stream, device_vector<const float> row_scale, device_rows<T> dy,
                         device_matrix<T> dx);

/// y[r, c] += table[ids[r], c]. The gradient by the rows is dy itself.
template <class T>
void cuda_add_rows(cuda_stream stream, device_vector<const std::int32_t> ids, device_rows<T> table,
                   device_matrix<T> y);

DNALM_END_NAMESPACE
