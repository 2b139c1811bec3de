// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Gated linear units and activations in float, with their adjoints.
#pragma once

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = function(x[r, c]) x[r, F + c]: the first half is activated. x (R, 2F), y (R, F), not
/// overlapping.
void cpu_gated(isa set, matrix_view<const float> x, activation function, matrix_view<float> y);

/// dx[r, c] = function'(a) b dy[r, c] and dx[r, F + c] = function(a) dy[r, c] with a = x[r, c], b = x[r, F +
/// c]. x, dx (R, 2F), dy (R, F); dx may be x.
void cpu_gated_vjp(isa set, matrix_view<const float> x, activation function, matrix_view<const float> dy,
                   matrix_view<float> dx);

/// y[r, c] = function(x[r, c]), the bits of cpu_linear's function; y may be x.
void cpu_activate(isa set, matrix_view<const float> x, activation function, matrix_view<float> y);

/// dz[r, c] = function'(z[r, c]) dy[r, c]: the adjoint of y = function(z). dz may be dy or z.
void cpu_activation_vjp(isa set, matrix_view<const float> z, activation function, matrix_view<const float> dy,
                        matrix_view<float> dz);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/gated_impl.hpp>
#endif
