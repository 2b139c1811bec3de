// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/linear.hpp.
#pragma once

#include <dnalm/cpu/detail/linear_blocks.hpp>
#include <dnalm/cpu/detail/recorded_rows.hpp>
#include <dnalm/cpu/linear.hpp>

#define DNALM_ISA_HAS_PAIRS 0
#define DNALM_ISA_BODY <dnalm/cpu/detail/linear_vjp.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#undef DNALM_ISA_HAS_PAIRS

#if defined(__x86_64__)
DNALM_BEGIN_NAMESPACE
namespace detail::isa_avx512_bf16 {
using isa_avx512::activation_vjp_row;
using isa_avx512::gated_vjp_row;
}  // namespace detail::isa_avx512_bf16
DNALM_END_NAMESPACE
#endif
#define DNALM_ISA_HAS_PAIRS 1
#define DNALM_ISA_BODY <dnalm/cpu/detail/linear_vjp.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
#undef DNALM_ISA_HAS_PAIRS

DNALM_BEGIN_NAMESPACE
namespace detail {

/// `join`: two halves become one. z (data null: not kept) is what the function is of.
inline void cpu_linear(isa set, matrix_view<const float> x, const packed_weight& w, bool join,
                       const linear_epilogue<float>& epilogue, float* scratch, matrix_view<float> z,
                       matrix_view<float> y) {
#if defined(__x86_64__)
  if (set == isa::avx512_bf16 && w.format != weight_format::f32) {
    return isa_avx512_bf16::linear(x, w, join, epilogue, scratch, z, y);
  }
  if (set >= isa::avx512) return isa_avx512::linear(x, w, join, epilogue, scratch, z, y);
  if (set == isa::avx2) return isa_avx2::linear(x, w, join, epilogue, scratch, z, y);
#endif
  static_cast<void>(set);
  isa_portable::linear(x, w, join, epilogue, scratch, z, y);
}

inline void cpu_linear_vjp(isa set, const recorded_rows& x, const packed_weight& w,
                           matrix_view<const float> residual, float* scratch, matrix_view<float> dx) {
#if defined(__x86_64__)
  if (set == isa::avx512_bf16 && turns_pairs(w, 1)) {
    return isa_avx512_bf16::linear_vjp(x, w, residual, scratch, dx);
  }
  if (set >= isa::avx512) return isa_avx512::linear_vjp(x, w, residual, scratch, dx);
  if (set == isa::avx2) return isa_avx2::linear_vjp(x, w, residual, scratch, dx);
#endif
  static_cast<void>(set);
  isa_portable::linear_vjp(x, w, residual, scratch, dx);
}

}  // namespace detail

DNALM_INLINE index_t cpu_linear_scratch(const packed_weight& w) {
  return detail::linear_scratch_size(w.inputs, detail::linear_most_rows,
                                     w.format == weight_format::f32 ? 0 : detail::depth_words);
}

DNALM_INLINE void cpu_linear(isa set, matrix_view<const float> x, const packed_weight& w,
                             const linear_epilogue<float>& epilogue, vector_view<float> scratch,
                             matrix_view<float> y) {
  detail::cpu_linear(set, x, w, false, epilogue, scratch.data, {}, y);
}

DNALM_INLINE void cpu_linear_gated(isa set, matrix_view<const float> x, const packed_weight& w,
                                   const linear_epilogue<float>& epilogue, vector_view<float> scratch,
                                   matrix_view<float> y) {
  detail::cpu_linear(set, x, w, true, epilogue, scratch.data, {}, y);
}

DNALM_INLINE void cpu_linear_recorded(isa set, matrix_view<const float> x, const packed_weight& w,
                                      const linear_epilogue<float>& epilogue, vector_view<float> scratch,
                                      matrix_view<float> z, matrix_view<float> y) {
  detail::cpu_linear(set, x, w, w.gated, epilogue, scratch.data, z, y);
}

DNALM_INLINE index_t cpu_linear_vjp_scratch(const packed_weight& w) {
  return detail::linear_scratch_size(w.outputs, detail::linear_vjp_most_rows, detail::depth_words);
}

DNALM_INLINE void cpu_linear_vjp(isa set, matrix_view<const float> dy, const packed_weight& w,
                                 matrix_view<const float> residual, vector_view<float> scratch,
                                 matrix_view<float> dx) {
  detail::cpu_linear_vjp(set, {.dy = dy}, w, residual, scratch.data, dx);
}

DNALM_INLINE void cpu_linear_recorded_vjp(isa set, matrix_view<const float> z, activation function,
                                          matrix_view<const float> dy, const packed_weight& w,
                                          matrix_view<const float> residual, vector_view<float> scratch,
                                          matrix_view<float> dx) {
  detail::cpu_linear_vjp(set, {dy, z, function}, w, residual, scratch.data, dx);
}

DNALM_END_NAMESPACE
