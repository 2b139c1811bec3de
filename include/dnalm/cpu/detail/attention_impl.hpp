// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/attention.hpp.
#pragma once

#include <dnalm/cpu/attention.hpp>
#include <dnalm/cpu/detail/product_tile.hpp>
#include <dnalm/cpu/detail/softmax_row.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Most rows of a product tile in any instruction set.
inline constexpr index_t most_tile_rows = 12;

/// Where the parts of an attention lie in its scratch memory.
struct attention_memory {
  float* keys;     ///< K^T in panels of 32 keys: [panel][channel][key]
  float* values;   ///< V in panels of 32 channels: [panel][key][channel]
  float* scores;   ///< one tile of query rows
  float* context;  ///< one tile of query rows, one panel of channels
  index_t score_stride;
};

[[nodiscard]] inline attention_memory divide_attention_scratch(float* scratch, index_t length,
                                                               index_t width) {
  const index_t padded = panel_count(length) * panel_columns;
  attention_memory memory{};
  memory.keys = scratch;
  memory.values = memory.keys + padded * width;
  memory.scores = memory.values + panel_count(width) * panel_columns * length;
  memory.context = memory.scores + most_tile_rows * padded;
  memory.score_stride = padded;
  return memory;
}

inline void pack_keys(matrix_view<const float> k, float* keys) {
  for (index_t j = 0; j < k.rows; ++j) {
    float* column = keys + j / panel_columns * panel_columns * k.columns + j % panel_columns;
    const float* row = k.row_data(j);
    for (index_t c = 0; c < k.columns; ++c) column[c * panel_columns] = row[c];
  }
}

inline void pack_values(matrix_view<const float> v, float* values) {
  for (index_t column = 0; column < v.columns; column += panel_columns) {
    const index_t columns = v.columns - column < panel_columns ? v.columns - column : panel_columns;
    float* panel = values + column * v.rows;
    for (index_t j = 0; j < v.rows; ++j) {
      const float* row = v.row_data(j) + column;
      for (index_t c = 0; c < columns; ++c) panel[j * panel_columns + c] = row[c];
    }
  }
}

}  // namespace detail
DNALM_END_NAMESPACE

#define DNALM_ISA_BODY <dnalm/cpu/detail/attention.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE index_t cpu_attention_scratch(index_t longest, index_t head_width) {
  const index_t padded = checked_mul(detail::panel_count(longest), detail::panel_columns);
  const index_t channels = detail::panel_count(head_width) * detail::panel_columns;
  const index_t keys = checked_mul(padded, head_width);
  const index_t values = checked_mul(channels, longest);
  const index_t scores = checked_mul(padded, detail::most_tile_rows);
  return checked_add(checked_add(keys, values), checked_add(scores, detail::most_tile_rows * channels));
}

DNALM_INLINE void cpu_attention(isa set, matrix_view<const float> q, matrix_view<const float> k,
                                matrix_view<const float> v, const ragged_offsets& offsets,
                                const attention_options<float>& options, vector_view<float> scratch,
                                matrix_view<float> y) {
#if defined(__x86_64__)
  if (set == isa::avx512) return detail::isa_avx512::attention(q, k, v, offsets, options, scratch, y);
  if (set == isa::avx2) return detail::isa_avx2::attention(q, k, v, offsets, options, scratch, y);
#endif
  static_cast<void>(set);
  detail::isa_portable::attention(q, k, v, offsets, options, scratch, y);
}

DNALM_END_NAMESPACE
