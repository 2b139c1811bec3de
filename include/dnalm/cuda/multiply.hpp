// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products of rows by elements on a GPU, with their adjoint: Hyena's gates.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = a[r, c] b[r, c], rounded once; y may be a or b.
///
/// Cost: two reads and a write of memory.
void cuda_multiply(cuda_stream stream, device_matrix<const float> a, device_matrix<const float> b,
                   device_matrix<float> y);

/// da = b dy and db = a dy by elements; each may be any of a, b and dy, not both the same.
void cuda_multiply_vjp(cuda_stream stream, device_matrix<const float> a, device_matrix<const float> b,
                       device_matrix<const float> dy, device_matrix<float> da, device_matrix<float> db);

DNALM_END_NAMESPACE
