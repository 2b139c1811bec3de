// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/linear.hpp.
#pragma once

#include <dnalm/cpu/detail/linear_blocks.hpp>
#include <dnalm/cpu/linear.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline void cpu_linear(isa set, matrix_view<const float> x, const packed_weight& w, bool join,
                       const linear_epilogue<float>& epilogue, float* scratch, matrix_view<float> y) {
#if defined(__x86_64__)
  if (set == isa::avx512_bf16 && w.format != weight_format::f32) {
    return isa_avx512_bf16::linear(x, w, join, epilogue, scratch, y);
  }
  if (set >= isa::avx512) return isa_avx512::linear(x, w, join, epilogue, scratch, y);
  if (set == isa::avx2) return isa_avx2::linear(x, w, join, epilogue, scratch, y);
#endif
  static_cast<void>(set);
  isa_portable::linear(x, w, join, epilogue, scratch, y);
}

}  // namespace detail

DNALM_INLINE index_t cpu_linear_scratch(const packed_weight& w) {
  return detail::linear_scratch_size(w.inputs, detail::linear_most_rows,
                                     w.format == weight_format::f32 ? 0 : detail::depth_words);
}

DNALM_INLINE void cpu_linear(isa set, matrix_view<const float> x, const packed_weight& w,
                             const linear_epilogue<float>& epilogue, vector_view<float> scratch,
                             matrix_view<float> y) {
  detail::cpu_linear(set, x, w, false, epilogue, scratch.data, y);
}

DNALM_INLINE void cpu_linear_gated(isa set, matrix_view<const float> x, const packed_weight& w,
                                   const linear_epilogue<float>& epilogue, vector_view<float> scratch,
                                   matrix_view<float> y) {
  detail::cpu_linear(set, x, w, true, epilogue, scratch.data, y);
}

DNALM_INLINE index_t cpu_linear_vjp_scratch(const packed_weight& w) {
  return detail::linear_scratch_size(w.outputs, detail::linear_vjp_most_rows, w.outputs);
}

DNALM_INLINE void cpu_linear_vjp(isa set, matrix_view<const float> dy, const packed_weight& w,
                                 matrix_view<const float> residual, vector_view<float> scratch,
                                 matrix_view<float> dx) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::linear_vjp(dy, w, residual, scratch.data, dx);
  if (set == isa::avx2) return detail::isa_avx2::linear_vjp(dy, w, residual, scratch.data, dx);
#endif
  static_cast<void>(set);
  detail::isa_portable::linear_vjp(dy, w, residual, scratch.data, dx);
}

DNALM_END_NAMESPACE
