// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/rms_norm.hpp.
#pragma once

#include <dnalm/cpu/detail/lanes_avx2.hpp>
#include <dnalm/cpu/detail/lanes_avx512.hpp>
#include <dnalm/cpu/detail/lanes_portable.hpp>
#include <dnalm/cpu/detail/unroll.hpp>
#include <dnalm/cpu/rms_norm.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/rms_norm.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE void cpu_rms_norm(isa set, matrix_view<const float> x, vector_view<const float> gamma, float eps,
                               matrix_view<float> y) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::rms_norm(x, gamma, eps, y);
  if (set == isa::avx2) return detail::isa_avx2::rms_norm(x, gamma, eps, y);
#endif
  static_cast<void>(set);
  detail::isa_portable::rms_norm(x, gamma, eps, y);
}

DNALM_INLINE void cpu_rms_norm_vjp(isa set, matrix_view<const float> x, vector_view<const float> gamma,
                                   float eps, matrix_view<const float> dy, matrix_view<float> dx) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::rms_norm_vjp(x, gamma, eps, dy, dx);
  if (set == isa::avx2) return detail::isa_avx2::rms_norm_vjp(x, gamma, eps, dy, dx);
#endif
  static_cast<void>(set);
  detail::isa_portable::rms_norm_vjp(x, gamma, eps, dy, dx);
}

DNALM_END_NAMESPACE
