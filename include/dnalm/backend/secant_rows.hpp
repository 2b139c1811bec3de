// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief DeepLIFT's rules of kernels that work row by row: activations, gates, products, norms, softmax.
///
/// In all of them `pairs` says which rows belong together, an over-line is the mean of a pair and D its
/// difference; dy is read from the observed rows, dx is written to both. T is float or double.
#pragma once

#include <dnalm/backend/activation.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// dz = dy (f(z) - f(z')) / (z - z'). dz may be dy or z.
template <class T>
void secant_activation_vjp(matrix_view<const T> z, activation function, matrix_view<const T> dy,
                           const row_pairs& pairs, matrix_view<T> dz);

/// y = f(a) b of x = [a | b]: dx = [dy mean(b) (f(a) - f(a')) / (a - a') | dy mean(f(a))]. dx may be x.
template <class T>
void secant_gated_vjp(matrix_view<const T> x, activation function, matrix_view<const T> dy,
                      const row_pairs& pairs, matrix_view<T> dx);

/// y = a b: da = dy mean(b), db = dy mean(a). Each may be any of a, b and dy, not both the same.
template <class T>
void secant_multiply_vjp(matrix_view<const T> a, matrix_view<const T> b, matrix_view<const T> dy,
                         const row_pairs& pairs, matrix_view<T> da, matrix_view<T> db);

/// da = dy mean(b) alone; da may be b or dy.
template <class T>
void secant_factor_vjp(matrix_view<const T> b, matrix_view<const T> dy, const row_pairs& pairs,
                       matrix_view<T> da);

/// LayerNorm as u = x - mean(x), v = mean(u^2) + eps, s = v^(-1/2), y = u s gamma + beta. With g = dy gamma:
///   m_v = (sum of g mean(u)) (s - s') / (v - v'), m_u = g mean(s) + 2 m_v mean(u) / D,
///   dx = m_u - mean(m_u).
/// Its sums are of double; dx may be dy, not x.
template <class T>
void secant_layer_norm_vjp(matrix_view<const T> x, vector_view<const T> gamma, T eps, matrix_view<const T> dy,
                           const row_pairs& pairs, matrix_view<T> dx);

/// RMS norm: the same with u = x, dx = m_u.
template <class T>
void secant_rms_norm_vjp(matrix_view<const T> x, vector_view<const T> gamma, T eps, matrix_view<const T> dy,
                         const row_pairs& pairs, matrix_view<T> dx);

/// p = softmax(x) as z = log(sum of exp(x)), p = exp(x - z), so that every step is an elementwise slope. With
/// L(a, b) = (exp(a) - exp(b)) / (a - b):
///   k[j] = L(x[j] - z, x'[j] - z'), w[j] = L(x[j], x'[j]) / L(z, z'),
///   dx[j] = dy[j] k[j] - w[j] sum over i of dy[i] k[i].
/// All of k and w lie between 0 and 1, and where p = p' it is the gradient, whatever constant x and x' differ
/// by (docs/attribution/deep_lift.md compares it with the composition by a reciprocal). dx may be dy or x.
template <class T>
void secant_softmax_vjp(matrix_view<const T> x, matrix_view<const T> dy, const row_pairs& pairs,
                        matrix_view<T> dx);

/// y = x where it is above `threshold`, else `value`: dx = dy (y - y') / (x - x'). dx may be dy.
template <class T>
void secant_threshold_vjp(matrix_view<const T> x, T threshold, T value, matrix_view<const T> dy,
                          const row_pairs& pairs, matrix_view<T> dx);

/// y[r] = a[r] b[s], s the sequence of row r: da = dy mean(b). da may be dy.
template <class T>
void secant_sequence_factor_vjp(matrix_view<const T> b, matrix_view<const T> dy,
                                const ragged_offsets& offsets, matrix_view<T> da);

/// The same by b: db[s] = the sum of dy[r] mean(a[r]) over the rows r of s.
template <class T>
void secant_multiply_sequences_vjp(matrix_view<const T> a, const ragged_offsets& offsets,
                                   matrix_view<const T> dy, matrix_view<T> db);

namespace detail {

/// The multipliers of one pair of logits (n), in `dx`; `mean` gets the mean of their softmax. k and w hold n
/// numbers. None of them overlaps another.
template <class T>
void secant_softmax_row(const T* x, const T* reference, const T* dy, index_t n, T* k, T* w, T* mean, T* dx);

}  // namespace detail

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/backend/detail/secant_rows_impl.hpp>
#endif
