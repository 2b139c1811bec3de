// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/convolution.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include <dnalm/cpu/convolution.hpp>
#include <dnalm/cpu/detail/convolution_rows.hpp>
#include <dnalm/cpu/detail/linear_blocks.hpp>
#include <dnalm/cpu/detail/two_rows.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/taps_tile.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/two_rows.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/two_row_phases.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/two_rows_vjp.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

#define DNALM_ISA_HAS_PAIRS 0
#define DNALM_ISA_BODY <dnalm/cpu/detail/convolution.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/convolution_vjp.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#undef DNALM_ISA_HAS_PAIRS

#define DNALM_ISA_HAS_PAIRS 1
#define DNALM_ISA_BODY <dnalm/cpu/detail/convolution.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/convolution_vjp.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
#undef DNALM_ISA_HAS_PAIRS

DNALM_BEGIN_NAMESPACE
namespace detail {

inline void cpu_convolution(isa set, const convolution_rows& rows, index_t first, const packed_weight& w,
                            const linear_epilogue<float>& epilogue, float* scratch, matrix_view<float> y) {
#if defined(__x86_64__)
  if (set == isa::avx512_bf16 && w.format != weight_format::f32) {
    return isa_avx512_bf16::convolution(rows, first, w, epilogue, scratch, y);
  }
  if (set >= isa::avx512) return isa_avx512::convolution(rows, first, w, epilogue, scratch, y);
  if (set == isa::avx2) return isa_avx2::convolution(rows, first, w, epilogue, scratch, y);
#endif
  static_cast<void>(set);
  isa_portable::convolution(rows, first, w, epilogue, scratch, y);
}

inline void cpu_convolution_vjp(isa set, const convolution_rows& rows, index_t first, const packed_weight& w,
                                matrix_view<const float> residual, float* scratch, matrix_view<float> dx) {
#if defined(__x86_64__)
  if (set == isa::avx512_bf16 && turns_pairs(w, rows.taps.taps)) {
    return isa_avx512_bf16::convolution_vjp(rows, first, w, residual, scratch, dx);
  }
  if (set >= isa::avx512) return isa_avx512::convolution_vjp(rows, first, w, residual, scratch, dx);
  if (set == isa::avx2) return isa_avx2::convolution_vjp(rows, first, w, residual, scratch, dx);
#endif
  static_cast<void>(set);
  isa_portable::convolution_vjp(rows, first, w, residual, scratch, dx);
}

}  // namespace detail

DNALM_INLINE packed_weight pack_convolution(matrix_view<const float> w, const convolution_taps& taps,
                                            weight_format format) {
  packed_weight packed = pack_weight(w, format);
  if (format != weight_format::f32 || !detail::saves_by_two_rows(w, taps)) return packed;
  const matrix<float> sums = detail::two_row_weight(w, taps.taps);
  packed.two_rows = std::make_shared<const packed_weight>(pack_weight(sums.view()));
  return packed;
}

DNALM_INLINE index_t cpu_convolution_scratch(const packed_weight& w) {
  if (w.two_rows != nullptr) {
    const index_t depth = w.two_rows->inputs / detail::two_row_parts;
    const index_t plain = detail::two_row_scratch_size(depth, detail::two_row_block(depth));
    return detail::goes_by_phases(1, w.outputs) ? std::max(plain, detail::phase_scratch_size(w)) : plain;
  }
  return detail::linear_scratch_size(w.inputs, detail::linear_most_rows,
                                     w.format == weight_format::f32 ? 0 : detail::depth_words);
}

DNALM_INLINE void cpu_convolution(isa set, matrix_view<const float> x, const ragged_offsets& from,
                                  const ragged_offsets& to, index_t first, const packed_weight& w,
                                  const convolution_taps& taps, const linear_epilogue<float>& epilogue,
                                  vector_view<float> scratch, matrix_view<float> y) {
  detail::cpu_convolution(set, {x, from, to, taps}, first, w, epilogue, scratch.data, y);
}

DNALM_INLINE index_t cpu_convolution_vjp_scratch(const packed_weight& w, const convolution_taps& taps) {
  if (w.two_rows != nullptr) return detail::two_rows_vjp_scratch_size(*w.two_rows, w.inputs / taps.taps);
  const index_t depth = checked_mul(taps.taps, w.outputs);
  return detail::linear_scratch_size(depth, detail::linear_vjp_most_rows, detail::depth_words);
}

DNALM_INLINE void cpu_convolution_vjp(isa set, matrix_view<const float> dy, const ragged_offsets& from,
                                      const ragged_offsets& to, index_t first, const packed_weight& w,
                                      const convolution_taps& taps, matrix_view<const float> residual,
                                      vector_view<float> scratch, matrix_view<float> dx) {
  detail::cpu_convolution_vjp(set, {dy, from, to, taps.reversed(), taps.stride}, first, w, residual,
                              scratch.data, dx);
}

DNALM_END_NAMESPACE
