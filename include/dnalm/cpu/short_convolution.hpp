// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Depthwise causal convolution of a few taps in float, with its adjoint.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[t, c] = bias[c] + sum over j < K of w[j, c] x[t - K + 1 + j, c], rows before a sequence being zeros.
///
/// One chain over j. x, y (R, C), not overlapping; w (K, C); bias (C). Cost: K reads of rows that stay in the
/// cache, one write.
void cpu_short_convolution(isa set, matrix_view<const float> x, matrix_view<const float> w,
                           vector_view<const float> bias, const ragged_offsets& offsets,
                           matrix_view<float> y);

/// dx[t, c] = sum over j < K of w[j, c] dy[t + K - 1 - j, c], rows behind a sequence being zeros. dy, dx (R,
/// C), not overlapping. Cost: as of the forward.
void cpu_short_convolution_vjp(isa set, matrix_view<const float> dy, matrix_view<const float> w,
                               const ragged_offsets& offsets, matrix_view<float> dx);

/// y[t, c] = bias[c] + sum over j < K of w[j, c] x[t + K - 1 - j, c], rows behind a sequence being zeros: the
/// convolution from the other end, with the bits of the first on the sequence turned round.
void cpu_short_convolution_back(isa set, matrix_view<const float> x, matrix_view<const float> w,
                                vector_view<const float> bias, const ragged_offsets& offsets,
                                matrix_view<float> y);

/// dx[t, c] = sum over j < K of w[j, c] dy[t - K + 1 + j, c], rows before a sequence being zeros. dy, dx (R,
/// C), not overlapping.
void cpu_short_convolution_back_vjp(isa set, matrix_view<const float> dy, matrix_view<const float> w,
                                    const ragged_offsets& offsets, matrix_view<float> dx);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/short_convolution_impl.hpp>
#endif
