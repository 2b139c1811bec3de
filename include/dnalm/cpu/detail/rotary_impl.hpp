// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/rotary.hpp.
#pragma once

#include <dnalm/cpu/detail/lanes_avx2.hpp>
#include <dnalm/cpu/detail/lanes_avx512.hpp>
#include <dnalm/cpu/detail/lanes_portable.hpp>
#include <dnalm/cpu/rotary.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/rotary.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE void cpu_rotary(isa set, const rotary_table<float>& table, const ragged_offsets& offsets,
                             index_t heads, matrix_view<float> x) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::rotary<false>(table, offsets, heads, x);
  if (set == isa::avx2) return detail::isa_avx2::rotary<false>(table, offsets, heads, x);
#endif
  static_cast<void>(set);
  detail::isa_portable::rotary<false>(table, offsets, heads, x);
}

DNALM_INLINE void cpu_rotary_vjp(isa set, const rotary_table<float>& table, const ragged_offsets& offsets,
                                 index_t heads, matrix_view<float> y) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::rotary<true>(table, offsets, heads, y);
  if (set == isa::avx2) return detail::isa_avx2::rotary<true>(table, offsets, heads, y);
#endif
  static_cast<void>(set);
  detail::isa_portable::rotary<true>(table, offsets, heads, y);
}

DNALM_END_NAMESPACE
