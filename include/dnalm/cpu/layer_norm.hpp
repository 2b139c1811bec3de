// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief LayerNorm of rows in float.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = (x[r, c] - mean_r) / sqrt(var_r + eps) gamma[c] + beta[c], var the biased variance.
///
/// Two passes, each with 64 interleaved chains; the second corrects the rounding of the mean. x, y (R, D); y
/// may be x. Cost: three reads and one write of a row that stays in the first-level cache.
void cpu_layer_norm(isa set, matrix_view<const float> x, vector_view<const float> gamma,
                    vector_view<const float> beta, float eps, matrix_view<float> y);

/// dx[r, c] = factor_r (g_c - mean(g) - h_c mean(g h)), g_c = dy[r, c] gamma[c], h_c = (x[r, c] - mean_r)
/// factor_r, factor_r = 1 / sqrt(var_r + eps); means over c.
///
/// Mean and variance as in the forward; the sums over g in 16 interleaved chains. x, dy, dx (R, D); dx may be
/// dy, not x. Cost: six reads and one write of rows that stay in the first-level cache.
void cpu_layer_norm_vjp(isa set, matrix_view<const float> x, vector_view<const float> gamma, float eps,
                        matrix_view<const float> dy, matrix_view<float> dx);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/layer_norm_impl.hpp>
#endif
