// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Causal convolution with a filter as long as the sequence in float, with its adjoint.
#pragma once

#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/causal_filter.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Numbers of scratch for sequences of up to `longest` rows, whatever their width.
[[nodiscard]] index_t cpu_long_convolution_scratch(index_t longest);

/// y[i, c] = sum over j <= i of h[i - j, c] v[j, c] + d[c] v[i, c], h the filter of the sequence: one of
/// cpu_filter_taps(length) taps for each, whose channels from `first` on (a multiple of 16) are those of v.
///
/// Sixteen channels at a time through real transforms of twice the rows, even and odd rows as real and
/// imaginary parts; see causal_filter for the rows behind them. v, y (R, D'), y may be v. Error of a row
/// computed by transforms: at most 8 log2(2 P) 2^-24 |h| |v|, the Euclidean norms of the channel's first P
/// taps and rows; of one by sums: at most (256 + L / 256 + 16) 2^-24 sum over j of |h[i - j] v[j]|.
/// Cost: about 6 vector operations per number and factor of 2 of the length.
void cpu_long_convolution(isa set, matrix_view<const float> v, std::span<const causal_filter* const> filters,
                          index_t first, vector_view<const float> d, const ragged_offsets& offsets,
                          vector_view<float> scratch, matrix_view<float> y);

/// dv[j, c] = sum over i >= j of h[i - j, c] dy[i, c] + d[c] dy[j, c]; dv may be dy. Bounds and cost as of
/// cpu_long_convolution; a row computed by transforms has the products with the rows behind them on top, 34
/// 2^-24 times the sum of their absolute values.
void cpu_long_convolution_vjp(isa set, matrix_view<const float> dy,
                              std::span<const causal_filter* const> filters, index_t first,
                              vector_view<const float> d, const ragged_offsets& offsets,
                              vector_view<float> scratch, matrix_view<float> dv);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/long_convolution_impl.hpp>
#endif
