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

DNALM_INLINE void cpu_short_convolution(isa set, matrix_view<const float> x, matrix_view<const float> w,
                                        vector_view<const float> bias, const ragged_offsets& offsets,
                                        matrix_view<float> y) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::short_convolution(x, w, bias, offsets, y);
  if (set == isa::avx2) return detail::isa_avx2::short_convolution(x, w, bias, offsets, y);
#endif
  static_cast<void>(set);
  detail::isa_portable::short_convolution(x, w, bias, offsets, y);
}

DNALM_INLINE void cpu_short_convolution_vjp(isa set, matrix_view<const float> dy, matrix_view<const float> w,
                                            const ragged_offsets& offsets, matrix_view<float> dx) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::short_convolution_vjp(dy, w, offsets, dx);
  if (set == isa::avx2) return detail::isa_avx2::short_convolution_vjp(dy, w, offsets, dx);
#endif
  static_cast<void>(set);
  detail::isa_portable::short_convolution_vjp(dy, w, offsets, dx);
}

DNALM_END_NAMESPACE
