// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu_attention (cpu/attention.hpp), once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Attention of one head of one sequence; q, k, v, y are (L, K) views of that head's columns.
DNALM_ISA_FUNCTION void attention_head(matrix_view<const float> q, matrix_view<const float> k,
                                       matrix_view<const float> v, float scale, float slope,
                                       const attention_memory& memory, matrix_view<float> y) {
  const index_t length = q.rows;
  const index_t width = q.columns;
  pack_keys(k, memory.keys);
  pack_values(v, memory.values);
  for (index_t first = 0; first < length; first += tile_rows) {
    const index_t rows = length - first < tile_rows ? length - first : tile_rows;
    for (index_t column = 0; column < length; column += panel_columns) {
      const index_t columns = length - column < panel_columns ? length - column : panel_columns;
      product_panel(rows, q.row_data(first), q.stride, memory.keys + column * width, columns, width,
                    memory.scores + column, memory.score_stride);
    }
    float factor[tile_rows];
    for (index_t r = 0; r < rows; ++r) {
      float* scores = memory.scores + r * memory.score_stride;
      const float largest = score_row(scores, length, scale, slope, first + r);
      factor[r] = 1.0F / exponential_row(scores, length, largest);
    }
    for (index_t column = 0; column < width; column += panel_columns) {
      const index_t columns = width - column < panel_columns ? width - column : panel_columns;
      product_panel(rows, memory.scores, memory.score_stride, memory.values + column * length, columns,
                    length, memory.context, panel_columns);
      for (index_t r = 0; r < rows; ++r) {
        scale_row(memory.context + r * panel_columns, factor[r], y.row_data(first + r) + column, columns);
      }
    }
  }
}

DNALM_ISA_FUNCTION void attention(matrix_view<const float> q, matrix_view<const float> k,
                                  matrix_view<const float> v, const ragged_offsets& offsets,
                                  const attention_options<float>& options, vector_view<float> scratch,
                                  matrix_view<float> y) {
  const index_t width = q.columns / options.heads;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const index_t first = offsets.begin(s);
    const index_t length = offsets.length(s);
    const attention_memory memory = divide_attention_scratch(scratch.data, length, width);
    for (index_t h = 0; h < options.heads; ++h) {
      const float slope = options.alibi_slopes.empty() ? 0.0F : options.alibi_slopes[h];
      const index_t column = h * width;
      attention_head(q.row_block(first, length).column_block(column, width),
                     k.row_block(first, length).column_block(column, width),
                     v.row_block(first, length).column_block(column, width), options.score_scale, slope,
                     memory, y.row_block(first, length).column_block(column, width));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
