// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief DeepLIFT's rules of poolings that choose or weigh rows.
///
/// Batches are of pairs (row_pairs): sequence s and its reference s + sequences / 2 have the same rows. dy is
/// read from the observed sequences, what is written is written to both.
#pragma once

#include <dnalm/backend/row_window.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y = the largest x[r] that an output sees, at i in the observed rows and at j in the reference's. What is
/// added to the multipliers of a window: at i = j dy; else, y > y', dy (y - y') / (x[i] - x'[i]) at i, and y
/// < y' the same at j; nothing where y = y'. The factors lie between 0 and 1.
template <class T>
void secant_max_pool_vjp(matrix_view<const T> x, const ragged_offsets& from, const row_window& window,
                         matrix_view<const T> dy, const ragged_offsets& to, matrix_view<T> dx);

/// The same for the largest row of a sequence.
template <class T>
void secant_sequence_max_vjp(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<const T> dy,
                             matrix_view<T> dx);

/// masked_mean, y = t / n with t = sum of m_r x_r, n = max(sum of m_r, 1e-7), m_r the largest of mask's row:
/// a quotient is a product turned round, D y = (D t - mean(y) D n) / mean(n).
template <class T>
void secant_masked_mean_vjp(matrix_view<const T> x, matrix_view<const T> mask, const ragged_offsets& offsets,
                            matrix_view<const T> dy, matrix_view<T> dx, matrix_view<T> dmask);

/// softmax_pool_rows: dx = dy mean(w), dlogits those of the softmax (secant_softmax_vjp) for dy mean(x).
template <class T>
void secant_softmax_pool_vjp(matrix_view<const T> x, matrix_view<const T> logits, const ragged_offsets& from,
                             index_t size, matrix_view<const T> dy, const ragged_offsets& to,
                             matrix_view<T> dx, matrix_view<T> dlogits);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/backend/detail/secant_pooling_impl.hpp>
#endif
