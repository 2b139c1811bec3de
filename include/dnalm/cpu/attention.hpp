// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Softmax attention of ragged sequences in float.
#pragma once

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Floats of scratch memory for cpu_attention when the longest sequence has `longest` tokens.
[[nodiscard]] index_t cpu_attention_scratch(index_t longest, index_t head_width);

/// For every sequence and head: y_i = sum over j of p_ij v_j, p_i = softmax over j of (scale q_i . k_j +
/// bias_ij), bias_ij = -slope |i - j| with ALiBi slopes, else 0.
///
/// q, k, v, y (R, D): columns [h K, (h + 1) K) belong to head h; they may be column blocks of one packed
/// matrix, y must not overlap them. Nothing of size L^2 is stored: a few query rows at a time. `scratch`
/// needs cpu_attention_scratch(longest, K) floats. Cost: 4 L^2 D operations and H L^2 exponentials per
/// sequence.
void cpu_attention(isa set, matrix_view<const float> q, matrix_view<const float> k,
                   matrix_view<const float> v, const ragged_offsets& offsets,
                   const attention_options<float>& options, vector_view<float> scratch, matrix_view<float> y);
// adjoint: cpu_attention_vjp, next to this function (it recomputes the probabilities)

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/attention_impl.hpp>
#endif
