// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu_attention (cpu/attention.hpp), once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Attention of one head of one sequence; q, k, v, y are (L, K) views of that head's columns.
DNALM_ISA_FUNCTION void attention_head(matrix_view<const float> q, matrix_view<const float> k,
                                       matrix_view<const float> v, const head_scores& how,
                                       const attention_memory& memory, matrix_view<float> y) {
  const index_t length = q.rows;
  pack_by_columns(k, memory.keys);
  pack_by_rows(v, memory.values);
  for (index_t first = 0; first < length; first += tile_rows) {
    const index_t rows = length - first < tile_rows ? length - first : tile_rows;
    const token_range tile = tokens_near_tile(first, length, how.window);
    tile_scores(q, first, rows, memory.keys, tile, memory.scores, memory.score_stride);
    float factor[tile_rows];
    for (index_t r = 0; r < rows; ++r) {
      float* scores = memory.scores + r * memory.score_stride;
      const token_range keys = tokens_near(first + r, length, how.window);
      const float largest =
          score_row(scores + keys.begin, keys.size(), how.scale, how.slope, first + r - keys.begin);
      factor[r] = 1.0F / exponential_row(scores + keys.begin, keys.size(), largest);
      clear_outside(scores, tile, keys);
    }
    tile_sums(memory.scores, memory.score_stride, tile, memory.values, factor, first, rows, y);
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
      const index_t column = h * width;
      attention_head(q.row_block(first, length).column_block(column, width),
                     k.row_block(first, length).column_block(column, width),
                     v.row_block(first, length).column_block(column, width), scores_of_head(options, h),
                     memory, y.row_block(first, length).column_block(column, width));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
