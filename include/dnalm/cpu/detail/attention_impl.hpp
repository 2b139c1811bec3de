// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/attention.hpp.
#pragma once

#include <dnalm/cpu/attention.hpp>
#include <dnalm/cpu/detail/attention_memory.hpp>
#include <dnalm/cpu/detail/attention_tiles.hpp>
#include <dnalm/cpu/detail/attention_vjp_memory.hpp>
#include <dnalm/cpu/detail/product_pairs.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/attention_floats.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/attention.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#if defined(__x86_64__)
DNALM_BEGIN_NAMESPACE
namespace detail::isa_avx512_bf16 {
using isa_avx512::bias_row;
using isa_avx512::exp2_of_negative;
using isa_avx512::first_of;
using isa_avx512::fma;
using isa_avx512::largest_of_biased_row;
using isa_avx512::largest_of_row;
using isa_avx512::max;
using isa_avx512::pack_by_columns;
using isa_avx512::power_of_two;
using isa_avx512::power_row;
using isa_avx512::reduce_add;
using isa_avx512::scale_row;
using isa_avx512::sub;
}  // namespace detail::isa_avx512_bf16
DNALM_END_NAMESPACE
#endif
#define DNALM_ISA_BODY <dnalm/cpu/detail/attention_pairs.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/attention.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/attention_vjp_floats.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/attention_vjp.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/attention_vjp_pairs.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/attention_vjp.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Whether attention multiplies pairs of bfloat16.
DNALM_INLINE bool attention_takes_pairs(isa set, weight_format format) {
  return set == isa::avx512_bf16 && format != weight_format::f32;
}

}  // namespace detail

DNALM_INLINE index_t cpu_attention_scratch(index_t longest, index_t head_width) {
  const index_t packed = checked_add(detail::packed_columns_size(longest, head_width),
                                     detail::packed_rows_size(longest, head_width));
  const index_t scores = detail::most_tile_rows * detail::score_block_stride(longest);
  const index_t channels = checked_mul(detail::channel_tile_size(head_width), 2);
  return checked_add(packed, checked_add(scores, channels));
}

DNALM_INLINE void cpu_attention(isa set, weight_format format, matrix_view<const float> q,
                                matrix_view<const float> k, matrix_view<const float> v,
                                const ragged_offsets& offsets, const attention_options<float>& options,
                                vector_view<float> scratch, matrix_view<float> y) {
#if defined(__x86_64__)
  if (detail::attention_takes_pairs(set, format)) {
    return detail::isa_avx512_bf16::attention(q, k, v, offsets, options, scratch, y);
  }
  if (set >= isa::avx512) return detail::isa_avx512::attention(q, k, v, offsets, options, scratch, y);
  if (set == isa::avx2) return detail::isa_avx2::attention(q, k, v, offsets, options, scratch, y);
#endif
  static_cast<void>(set);
  static_cast<void>(format);
  detail::isa_portable::attention(q, k, v, offsets, options, scratch, y);
}

DNALM_INLINE index_t cpu_attention_vjp_scratch(isa set, weight_format format, index_t longest,
                                               index_t head_width) {
  const index_t columns = checked_mul(detail::packed_columns_size(longest, head_width), 2);
  const index_t rows = checked_mul(detail::packed_rows_size(longest, head_width), 3);
  const index_t chunk = detail::attention_vjp_chunk_size(longest);
  const index_t sums = detail::attention_vjp_sums_size(longest, head_width);
  const index_t packed = checked_add(checked_add(columns, rows), detail::channel_tile_size(head_width));
  const index_t tile = detail::attention_vjp_tile_size(longest, detail::attention_takes_pairs(set, format));
  return checked_add(packed, checked_mul(checked_add(checked_add(chunk, tile), sums), 2));
}

DNALM_INLINE void cpu_attention_vjp(isa set, weight_format format, matrix_view<const float> q,
                                    matrix_view<const float> k, matrix_view<const float> v,
                                    const ragged_offsets& offsets, const attention_options<float>& options,
                                    matrix_view<const float> dy, vector_view<float> scratch,
                                    matrix_view<float> dq, matrix_view<float> dk, matrix_view<float> dv) {
  const detail::attention_head_views all{q, k, v, dy, dq, dk, dv};
#if defined(__x86_64__)
  if (detail::attention_takes_pairs(set, format)) {
    return detail::isa_avx512_bf16::attention_vjp(all, offsets, options, scratch);
  }
  if (set >= isa::avx512) return detail::isa_avx512::attention_vjp(all, offsets, options, scratch);
  if (set == isa::avx2) return detail::isa_avx2::attention_vjp(all, offsets, options, scratch);
#endif
  static_cast<void>(set);
  static_cast<void>(format);
  detail::isa_portable::attention_vjp(all, offsets, options, scratch);
}

DNALM_END_NAMESPACE
