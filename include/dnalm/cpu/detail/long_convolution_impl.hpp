// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/long_convolution.hpp.
#pragma once

#include <algorithm>

#include <dnalm/cpu/detail/fft.hpp>
#include <dnalm/cpu/detail/rows_at_once.hpp>
#include <dnalm/cpu/detail/unroll.hpp>
#include <dnalm/cpu/long_convolution.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/long_convolution.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

DNALM_BEGIN_NAMESPACE

/// Points of two numbers per row that is computed at once, and a copy of the rows where some are not.
DNALM_INLINE index_t cpu_long_convolution_scratch(index_t longest) {
  const index_t copied = std::min(longest, detail::convolution_all_at_once + detail::convolution_rows_behind);
  const index_t rows =
      checked_add(copied, checked_mul(2, detail::convolution_rows_at_once(std::max<index_t>(longest, 1))));
  return checked_mul(16, rows);
}

DNALM_INLINE void cpu_long_convolution(isa set, matrix_view<const float> v,
                                       std::span<const causal_filter* const> filters, index_t first,
                                       vector_view<const float> d, const ragged_offsets& offsets,
                                       vector_view<float> scratch, matrix_view<float> y) {
#if defined(__x86_64__)
  if (set >= isa::avx512) {
    return detail::isa_avx512::convolve_all<false>(v, filters, first, d, offsets, scratch.data, y);
  }
  if (set == isa::avx2) {
    return detail::isa_avx2::convolve_all<false>(v, filters, first, d, offsets, scratch.data, y);
  }
#endif
  static_cast<void>(set);
  detail::isa_portable::convolve_all<false>(v, filters, first, d, offsets, scratch.data, y);
}

DNALM_INLINE void cpu_long_convolution_vjp(isa set, matrix_view<const float> dy,
                                           std::span<const causal_filter* const> filters, index_t first,
                                           vector_view<const float> d, const ragged_offsets& offsets,
                                           vector_view<float> scratch, matrix_view<float> dv) {
#if defined(__x86_64__)
  if (set >= isa::avx512) {
    return detail::isa_avx512::convolve_all<true>(dy, filters, first, d, offsets, scratch.data, dv);
  }
  if (set == isa::avx2) {
    return detail::isa_avx2::convolve_all<true>(dy, filters, first, d, offsets, scratch.data, dv);
  }
#endif
  static_cast<void>(set);
  detail::isa_portable::convolve_all<true>(dy, filters, first, d, offsets, scratch.data, dv);
}

DNALM_END_NAMESPACE
