// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The kernels of Hyena's mixer: causal convolutions of packed rows, short and long, and their gates.
#pragma once

#include <concepts>
#include <span>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Causal convolutions, channel by channel; rows before a sequence count as zeros, sequences do not mix.
///
/// short_convolution(x, w, bias, offsets, y): y[t, c] = bias[c] + sum over j < K of w[j, c] x[t - K + 1 + j,
/// c], w (K, C); y does not overlap x. short_convolution_vjp(dy, w, offsets, dx): dx[t, c] = sum over j < K
/// of w[j, c] dy[t + K - 1 - j, c]; dx does not overlap dy.
///
/// long_convolution(v, filters, d, offsets, scratch, y): y[i, c] = sum over j <= i of h[i - j, c] v[j, c] +
/// d[c] v[i, c], h the filter of the sequence. long_convolution_vjp(dy, filters, d, offsets, scratch, dv):
/// dv[j, c] = sum over i >= j of h[i - j, c] dy[i, c] + d[c] dy[j, c]. y may be v, dv may be dy; both need
/// long_convolution_scratch(longest, D) numbers. There is one filter per sequence, made by make_filter of
/// filter_taps(length) taps of that sequence's length (rows of (n, D) in host memory and double): so the way
/// a sequence is computed depends on its length alone, and many lengths share a filter, filter_taps(n) >= n.
///
/// multiply(a, b, y): y = a b by elements; y may be a or b. multiply_vjp(a, b, dy, da, db): da = b dy, db = a
/// dy; each may be any of a, b and dy, not both the same.
template <class B>
concept long_convolution_kernels = requires(const B& b, input_matrix<B> x, input_vector<B> d,
                                            const ragged_offsets& offsets, index_t size,
                                            matrix_view<const double> taps,
                                            std::span<const typename B::filter* const> filters,
                                            output_vector<B> scratch, output_matrix<B> y) {
  typename B::filter;
  { b.filter_taps(size) } -> std::same_as<index_t>;
  { b.make_filter(taps) } -> std::same_as<typename B::filter>;
  { b.short_convolution(x, x, d, offsets, y) } -> std::same_as<void>;
  { b.short_convolution_vjp(x, x, offsets, y) } -> std::same_as<void>;
  { b.long_convolution_scratch(size, size) } -> std::same_as<index_t>;
  { b.long_convolution(x, filters, d, offsets, scratch, y) } -> std::same_as<void>;
  { b.long_convolution_vjp(x, filters, d, offsets, scratch, y) } -> std::same_as<void>;
  { b.multiply(x, x, y) } -> std::same_as<void>;
  { b.multiply_vjp(x, x, x, y, y) } -> std::same_as<void>;
};

/// Everything a HyenaDNA network needs: of an encoder's kernels all but attention.
template <class B>
concept hyena_backend = encoder_backend<B> && long_convolution_kernels<B>;

DNALM_END_NAMESPACE
