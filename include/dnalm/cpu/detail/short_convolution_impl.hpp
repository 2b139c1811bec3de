// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/short_convolution.hpp.
#pragma once

#include <dnalm/cpu/detail/lanes_avx2.hpp>
#include <dnalm/cpu/detail/lanes_avx512.hpp>
#include <dnalm/cpu/detail/lanes_portable.hpp>
#include <dnalm/cpu/short_convolution.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/short_convolution.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline void convolve_ahead(isa set, matrix_view<const float> x, matrix_view<const float> w,
                           const float* start, const ragged_offsets& offsets, matrix_view<float> y) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return isa_avx512::convolve_ahead(x, w, start, offsets, y);
  if (set == isa::avx2) return isa_avx2::convolve_ahead(x, w, start, offsets, y);
#endif
  static_cast<void>(set);
  isa_portable::convolve_ahead(x, w, start, offsets, y);
}

inline void convolve_back(isa set, matrix_view<const float> x, matrix_view<const float> w, const float* start,
                          const ragged_offsets& offsets, matrix_view<float> y) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return isa_avx512::convolve_back(x, w, start, offsets, y);
  if (set == isa::avx2) return isa_avx2::convolve_back(x, w, start, offsets, y);
#endif
  static_cast<void>(set);
  isa_portable::convolve_back(x, w, start, offsets, y);
}

}  // namespace detail

DNALM_INLINE void cpu_short_convolution(isa set, matrix_view<const float> x, matrix_view<const float> w,
                                        vector_view<const float> bias, const ragged_offsets& offsets,
                                        matrix_view<float> y) {
  detail::convolve_ahead(set, x, w, bias.data, offsets, y);
}
DNALM_INLINE void cpu_short_convolution_vjp(isa set, matrix_view<const float> dy, matrix_view<const float> w,
                                            const ragged_offsets& offsets, matrix_view<float> dx) {
  detail::convolve_back(set, dy, w, nullptr, offsets, dx);
}

DNALM_INLINE void cpu_short_convolution_back(isa set, matrix_view<const float> x, matrix_view<const float> w,
                                             vector_view<const float> bias, const ragged_offsets& offsets,
                                             matrix_view<float> y) {
  detail::convolve_back(set, x, w, bias.data, offsets, y);
}
DNALM_INLINE void cpu_short_convolution_back_vjp(isa set, matrix_view<const float> dy,
                                                 matrix_view<const float> w, const ragged_offsets& offsets,
                                                 matrix_view<float> dx) {
  detail::convolve_ahead(set, dy, w, nullptr, offsets, dx);
}

DNALM_END_NAMESPACE
