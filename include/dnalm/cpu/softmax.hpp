// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Softmax of rows in float.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// x[r, c] = exp(x[r, c] - max_r) / sum over c of the same, in place. Rows have at least one column.
void cpu_softmax_rows(isa set, matrix_view<float> x);

/// dx[r, c] = p[r, c] (dp[r, c] - sum over j of p[r, j] dp[r, j]), p the probabilities. dx may be dp.
void cpu_softmax_rows_vjp(isa set, matrix_view<const float> p, matrix_view<const float> dp,
                          matrix_view<float> dx);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/softmax_impl.hpp>
#endif
