// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Gated linear units in float.
#pragma once

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = function(x[r, c]) x[r, F + c]: the first half is activated. x (R, 2F), y (R, F), not
/// overlapping.
void cpu_gated(isa set, matrix_view<const float> x, activation function, matrix_view<float> y);
// adjoint: cpu_gated_vjp, next to this function

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/gated_impl.hpp>
#endif
