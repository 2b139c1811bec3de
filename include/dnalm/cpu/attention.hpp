// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Softmax attention of ragged sequences in float.
#pragma once

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/weight_format.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Floats of scratch memory for cpu_attention when the longest sequence has `longest` tokens.
[[nodiscard]] index_t cpu_attention_scratch(index_t longest, index_t head_width);

/// For every sequence and head: y_i = sum over j of p_ij v_j, p_i = softmax over j of (scale q_i . k_j +
/// bias_ij), bias_ij = -slope |i - j| with ALiBi slopes, else 0; j runs over the tokens with |i - j| <=
/// window, over all for window 0.
///
/// `format` is that of the weights around it: with f32 all is float; with another, on a CPU with AVX512-BF16,
/// scale q, k, v and the weights 2^(score - largest) are rounded to bfloat16 before they are multiplied;
/// scores, the weights' sum and sums over keys stay float. An output is then off by at most
/// exp(2^-6 |scale| |q| |k|) (1 + 1.04 2^-7) - 1 times the largest |v|, in practice a tenth of that.
///
/// q, k, v, y (R, D): columns [h K, (h + 1) K) belong to head h; they may be column blocks of one packed
/// matrix, y must not overlap them. Nothing of size L^2 is stored: a few query rows and 512 keys at a time;
/// with more keys the largest score so far is carried from block to block, and the sums with it. `scratch`
/// needs cpu_attention_scratch(longest, K) floats. Cost: 4 L^2 D operations and H L^2 exponentials per
/// sequence; with a window, min(L, 2 window + 12) keys per query in the place of L.
void cpu_attention(isa set, weight_format format, matrix_view<const float> q, matrix_view<const float> k,
                   matrix_view<const float> v, const ragged_offsets& offsets,
                   const attention_options<float>& options, vector_view<float> scratch, matrix_view<float> y);

/// Floats of scratch memory for cpu_attention_vjp when the longest sequence has `longest` tokens: more where
/// operands are rounded to bfloat16.
[[nodiscard]] index_t cpu_attention_vjp_scratch(isa set, weight_format format, index_t longest,
                                                index_t head_width);

/// Gradients by q, k and v: with dp_ij = dy_i . v_j and ds_ij = p_ij (dp_ij - sum over l of p_il dp_il): dq_i
/// = scale sum over j of ds_ij k_j, dk_j = scale sum over i of ds_ij q_i, dv_j = sum over i of p_ij dy_i.
///
/// Nothing of size L^2 is stored: p and ds of a chunk of queries, as many as a cache holds, make their dq and
/// are added to dk and dv; every element is one chain over increasing j or i, wherever chunks end. `format`
/// as in the forward: scale q, k, v, dy, p and ds are rounded to bfloat16 before they are multiplied. All (R,
/// D), column blocks as in the forward; dq, dk, dv overlap neither each other nor the inputs. `scratch` needs
/// cpu_attention_vjp_scratch(set, format, longest, K) floats. Cost: 10 L^2 D operations and H L^2
/// exponentials per sequence, with a window as in the forward.
void cpu_attention_vjp(isa set, weight_format format, matrix_view<const float> q, matrix_view<const float> k,
                       matrix_view<const float> v, const ragged_offsets& offsets,
                       const attention_options<float>& options, matrix_view<const float> dy,
                       vector_view<float> scratch, matrix_view<float> dq, matrix_view<float> dk,
                       matrix_view<float> dv);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/attention_impl.hpp>
#endif
