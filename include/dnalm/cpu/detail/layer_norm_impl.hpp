// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/layer_norm.hpp.
#pragma once

#include <dnalm/cpu/detail/lanes_avx2.hpp>
#include <dnalm/cpu/detail/lanes_avx512.hpp>
#include <dnalm/cpu/detail/lanes_portable.hpp>
#include <dnalm/cpu/detail/unroll.hpp>
#include <dnalm/cpu/layer_norm.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/layer_norm.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE void cpu_layer_norm(isa set, matrix_view<const float> x, vector_view<const float> gamma,
                                 vector_view<const float> beta, float eps, matrix_view<float> y) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::layer_norm(x, gamma, beta, eps, y);
  if (set == isa::avx2) return detail::isa_avx2::layer_norm(x, gamma, beta, eps, y);
#endif
  static_cast<void>(set);
  detail::isa_portable::layer_norm(x, gamma, beta, eps, y);
}

DNALM_INLINE void cpu_layer_norm_vjp(isa set, matrix_view<const float> x, vector_view<const float> gamma,
                                     float eps, matrix_view<const float> dy, matrix_view<float> dx) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::layer_norm_vjp(x, gamma, eps, dy, dx);
  if (set == isa::avx2) return detail::isa_avx2::layer_norm_vjp(x, gamma, eps, dy, dx);
#endif
  static_cast<void>(set);
  detail::isa_portable::layer_norm_vjp(x, gamma, eps, dy, dx);
}

DNALM_END_NAMESPACE
