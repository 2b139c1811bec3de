// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/softmax.hpp.
#pragma once

#include <dnalm/cpu/detail/softmax_row.hpp>
#include <dnalm/cpu/softmax.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/softmax.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE void cpu_softmax_rows(isa set, matrix_view<float> x) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::softmax_rows(x);
  if (set == isa::avx2) return detail::isa_avx2::softmax_rows(x);
#endif
  static_cast<void>(set);
  detail::isa_portable::softmax_rows(x);
}

DNALM_INLINE void cpu_softmax_rows_vjp(isa set, matrix_view<const float> p, matrix_view<const float> dp,
                                       matrix_view<float> dx) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::softmax_rows_vjp(p, dp, dx);
  if (set == isa::avx2) return detail::isa_avx2::softmax_rows_vjp(p, dp, dx);
#endif
  static_cast<void>(set);
  detail::isa_portable::softmax_rows_vjp(p, dp, dx);
}

DNALM_END_NAMESPACE
