// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/linear.hpp.
#pragma once

#include <algorithm>

#include <dnalm/cpu/detail/product_tile.hpp>
#include <dnalm/cpu/detail/transpose.hpp>
#include <dnalm/cpu/detail/vector_math.hpp>
#include <dnalm/cpu/linear.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Rows of x that take about 256 KiB, a multiple of the tile.
[[nodiscard]] inline index_t linear_block_rows(index_t inputs, index_t tile) {
  const index_t rows = (index_t{256} << 10) / std::max<index_t>(4 * inputs, 1);
  return std::max<index_t>(rows / tile, 1) * tile;
}

}  // namespace detail
DNALM_END_NAMESPACE

#define DNALM_ISA_BODY <dnalm/cpu/detail/linear.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE void cpu_linear(isa set, matrix_view<const float> x, const packed_weight& w,
                             const linear_epilogue<float>& epilogue, matrix_view<float> y) {
#if defined(__x86_64__)
  if (set == isa::avx512) return detail::isa_avx512::linear(x, w, epilogue, y);
  if (set == isa::avx2) return detail::isa_avx2::linear(x, w, epilogue, y);
#endif
  static_cast<void>(set);
  detail::isa_portable::linear(x, w, epilogue, y);
}

DNALM_INLINE index_t cpu_linear_vjp_scratch(const packed_weight& w) {
  return checked_mul(w.outputs, detail::panel_columns);
}

DNALM_INLINE void cpu_linear_vjp(isa set, matrix_view<const float> dy, const packed_weight& w,
                                 matrix_view<const float> residual, vector_view<float> scratch,
                                 matrix_view<float> dx) {
#if defined(__x86_64__)
  if (set == isa::avx512) return detail::isa_avx512::linear_vjp(dy, w, residual, scratch, dx);
  if (set == isa::avx2) return detail::isa_avx2::linear_vjp(dy, w, residual, scratch, dx);
#endif
  static_cast<void>(set);
  detail::isa_portable::linear_vjp(dy, w, residual, scratch, dx);
}

DNALM_END_NAMESPACE
