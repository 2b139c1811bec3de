// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief y += x and y *= factor on a GPU.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] += x[r, c]. It is its own adjoint. T is float or bfloat16; the sum is formed in float.
template <class T>
void cuda_add(cuda_stream stream, device_rows<T> x, device_matrix<T> y);

/// y[r, c] *= factor. It is its own adjoint.
template <class T>
void cuda_scale(cuda_stream stream, float factor, device_matrix<T> y);

DNALM_END_NAMESPACE
