// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Gated linear units and activations on a GPU, with their adjoints.
#pragma once

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = function(x[r, c]) x[r, F + c]: the first half is activated. x (R, 2F), y (R, F), not
/// overlapping. T is float or bfloat16; arithmetic in float. Cost: one read of x, one write of y.
template <class T>
void cuda_gated(cuda_stream stream, device_rows<T> x, activation function, device_matrix<T> y);

/// dx[r, c] = function'(a) b dy[r, c] and dx[r, F + c] = function(a) dy[r, c] with a = x[r, c], b = x[r, F +
/// c]. x, dx (R, 2F), dy (R, F); dx may be x.
template <class T>
void cuda_gated_vjp(cuda_stream stream, device_rows<T> x, activation function, device_rows<T> dy,
                    device_matrix<T> dx);

/// y[r, c] = function(x[r, c]); y may be x.
template <class T>
void cuda_activate(cuda_stream stream, device_rows<T> x, activation function, device_matrix<T> y);

/// dz[r, c] = function'(z[r, c]) dy[r, c]: the adjoint of y = function(z). dz may be dy or z.
template <class T>
void cuda_activation_vjp(cuda_stream stream, device_rows<T> z, activation function, device_rows<T> dy,
                         device_matrix<T> dz);

DNALM_END_NAMESPACE
