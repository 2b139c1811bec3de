// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief DeepLIFT's rules of attention: scores and mixed values by the means of their factors, and
/// softmax's.
#pragma once

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/relative_attention.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Multipliers by q, k and v of y_i = sum over j of p_ij v_j, p_i = softmax over j of s q_i k_j + bias, head
/// by head, of a batch of pairs (row_pairs): with m_ij the softmax's multipliers (secant_softmax_vjp) of
/// dy_i mean(v_j), s the score scale,
///
///     dq_i = s sum over j of m_ij mean(k_j),  dk_j = s sum over i of m_ij mean(q_i),
///     dv_j = sum over i of mean(p_ij) dy_i.
///
/// They overlap neither each other nor the inputs. Cost: T^2 H 7 K products of a pair. Memory: 3 T K + 7 T
/// numbers.
template <class T>
void secant_attention_vjp(matrix_view<const T> q, matrix_view<const T> k, matrix_view<const T> v,
                          const ragged_offsets& offsets, const attention_options<T>& options,
                          matrix_view<const T> dy, matrix_view<T> dq, matrix_view<T> dk, matrix_view<T> dv);

/// Queries, keys and values of one sequence.
template <class T>
struct attention_rows {
  matrix_view<const T> q, k, v;
};

/// The same for relative_attention of one observed sequence and its reference: keys are mean(k_j) + R_(j-i)
/// for dq and queries s mean(q_i) + u for dk. dy and the outputs are those of the observed one.
template <class T>
void secant_relative_attention_vjp(const attention_rows<T>& observed, const attention_rows<T>& reference,
                                   const relative_attention_weights<T>& weights, matrix_view<const T> dy,
                                   matrix_view<T> dq, matrix_view<T> dk, matrix_view<T> dv);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/backend/detail/secant_attention_impl.hpp>
#endif
