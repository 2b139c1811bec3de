// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief RMS norm of rows in float.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = x[r, c] factor_r gamma[c], factor_r = 1 / sqrt(mean over c of x[r, c]^2 + eps). y may be x.
///
/// The squares are added up in 64 chains, then these in a fixed order. x, y (R, D), gamma (D).
void cpu_rms_norm(isa set, matrix_view<const float> x, vector_view<const float> gamma, float eps,
                  matrix_view<float> y);

/// dx[r, c] = factor_r (g_c - h_c mean(g h)), g_c = dy[r, c] gamma[c], h_c = x[r, c] factor_r; the mean over
/// c. x, dy, dx (R, D); dx may be dy, not x.
void cpu_rms_norm_vjp(isa set, matrix_view<const float> x, vector_view<const float> gamma, float eps,
                      matrix_view<const float> dy, matrix_view<float> dx);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/rms_norm_impl.hpp>
#endif
