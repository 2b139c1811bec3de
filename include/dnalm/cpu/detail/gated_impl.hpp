// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/gated.hpp.
#pragma once

#include <dnalm/cpu/detail/gated_rows.hpp>
#include <dnalm/cpu/gated.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE void cpu_gated(isa set, matrix_view<const float> x, activation function, matrix_view<float> y) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::gated(x, function, y);
  if (set == isa::avx2) return detail::isa_avx2::gated(x, function, y);
#endif
  static_cast<void>(set);
  detail::isa_portable::gated(x, function, y);
}

DNALM_INLINE void cpu_gated_vjp(isa set, matrix_view<const float> x, activation function,
                                matrix_view<const float> dy, matrix_view<float> dx) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::gated_vjp(x, function, dy, dx);
  if (set == isa::avx2) return detail::isa_avx2::gated_vjp(x, function, dy, dx);
#endif
  static_cast<void>(set);
  detail::isa_portable::gated_vjp(x, function, dy, dx);
}

DNALM_INLINE void cpu_activate(isa set, matrix_view<const float> x, activation function,
                               matrix_view<float> y) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::activate_rows(x, function, y);
  if (set == isa::avx2) return detail::isa_avx2::activate_rows(x, function, y);
#endif
  static_cast<void>(set);
  detail::isa_portable::activate_rows(x, function, y);
}

DNALM_INLINE void cpu_activation_vjp(isa set, matrix_view<const float> z, activation function,
                                     matrix_view<const float> dy, matrix_view<float> dz) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::activation_vjp(z, function, dy, dz);
  if (set == isa::avx2) return detail::isa_avx2::activation_vjp(z, function, dy, dz);
#endif
  static_cast<void>(set);
  detail::isa_portable::activation_vjp(z, function, dy, dz);
}

DNALM_END_NAMESPACE
