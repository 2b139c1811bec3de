// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu_attention (cpu/attention.hpp), once per instruction set: the walk over tiles and
/// blocks.
///
/// The operands of the products are floats (attention_floats.ipp), or pairs of bfloat16 where the instruction
/// set multiplies them (attention_pairs.ipp); scores, weights and their sum are float in both.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Scores of the tile's queries and the keys of `block`, in memory.scores from the first panel of the block
/// on. While it multiplies, it asks for what the tile's rows of `head` have behind them (null: nothing).
DNALM_ISA_FUNCTION void block_scores(const attention_tile& tile, token_range block,
                                     const attention_memory& memory, const attended_head* head) {
  const index_t start = panel_start(block);
  const index_t words = attention_words(tile.width);
  for (index_t key = start; key < block.end; key += panel_columns) {
    const index_t columns = tile.length - key < panel_columns ? tile.length - key : panel_columns;
    multiply_operands(tile.rows, memory.queries, words, memory.keys + key * words, columns, words,
                      memory.scores + key - start, memory.score_stride, false);
    if (head == nullptr) continue;
    fetch_part_behind(*head, tile.first, tile.rows, (key - start) / panel_columns,
                      panel_count(block.end - start));
  }
}

/// Scores of a block become weights 2^(score - largest so far), 0 outside a query's window. What was added up
/// before is worth 2^(largest before - largest so far) of it: change[r].
DNALM_ISA_FUNCTION void block_weights(const attention_tile& tile, token_range block, const head_scores& how,
                                      const attention_memory& memory, running_softmax& softmax,
                                      float* change) {
  const lanes before = load(softmax.largest);
  token_range near[most_tile_rows];
  for (index_t r = 0; r < tile.rows; ++r) {
    near[r] = part_of_block(tokens_near(tile.first + r, tile.length, how.window), block);
    if (near[r].size() == 0) continue;
    float* scores = memory.scores + r * memory.score_stride - panel_start(block) + near[r].begin;
    const float largest = how.slope == 0.0F ? largest_of_row(scores, near[r].size())
                                            : largest_of_biased_row(scores, near[r].size(), how.slope,
                                                                    tile.first + r - near[r].begin);
    if (largest > softmax.largest[r]) softmax.largest[r] = largest;
  }
  store(change, exp2_of_negative(sub(before, load(softmax.largest))));
  for (index_t r = 0; r < tile.rows; ++r) {
    float* scores = memory.scores + r * memory.score_stride - panel_start(block);
    float sum = 0.0F;
    if (near[r].size() == block.size()) {
      sum = weigh_row(scores + block.begin, block.size(), softmax.largest[r]);
    } else {
      if (near[r].size() > 0) sum = power_row(scores + near[r].begin, near[r].size(), softmax.largest[r]);
      clear_outside(scores, block, near[r]);
      weight_operand(scores + block.begin, block.size());
    }
    softmax.sum[r] = softmax.sum[r] * change[r] + sum;
  }
}

/// sums[r] = change[r] sums[r] + sum over the block's keys of weight value; the first block begins at 0.
DNALM_ISA_FUNCTION void block_sums(const attention_tile& tile, token_range block, bool more,
                                   const attention_memory& memory, const float* change) {
  const float* weights = memory.scores - panel_start(block) + block.begin;
  for (index_t column = 0; column < tile.width; column += panel_columns) {
    const index_t columns = tile.width - column < panel_columns ? tile.width - column : panel_columns;
    float* sums = memory.sums + column * most_tile_rows;
    for (index_t r = 0; more && r < tile.rows; ++r) {
      if (change[r] == 1.0F) continue;
      scale_row(sums + r * panel_columns, change[r], sums + r * panel_columns, panel_columns);
    }
    const float* panel = memory.values + column * attention_words(tile.length);
    multiply_operands(tile.rows, weights, memory.score_stride,
                      panel + attention_words(block.begin) * panel_columns, columns,
                      attention_words(block.size()), sums, panel_columns, more);
  }
}

/// Attention of a few neighbouring queries of one head: block by block of the keys near them.
DNALM_ISA_FUNCTION void attend_tile(const attended_head& head, const attention_tile& tile,
                                    const head_scores& how, bool last, const attention_memory& memory,
                                    matrix_view<float> y) {
  for (index_t r = 0; r < tile.rows; ++r) {
    query_operand(head.q.row_data(tile.first + r), how.scale, tile.width,
                  memory.queries + r * attention_words(tile.width));
  }
  running_softmax softmax;
  alignas(64) float change[16];
  const token_range keys = whole_pairs(tokens_near_tile(tile.first, tile.length, how.window));
  for (token_range block = first_key_block(keys); block.size() > 0; block = next_key_block(block, keys)) {
    block_scores(tile, block, memory, last || block.begin > keys.begin ? nullptr : &head);
    block_weights(tile, block, how, memory, softmax, change);
    block_sums(tile, block, block.begin > keys.begin, memory, change);
  }
  for (index_t column = 0; column < tile.width; column += panel_columns) {
    const index_t columns = tile.width - column < panel_columns ? tile.width - column : panel_columns;
    for (index_t r = 0; r < tile.rows; ++r) {
      const float* sums = memory.sums + column * most_tile_rows + r * panel_columns;
      scale_row(sums, 1.0F / softmax.sum[r], y.row_data(tile.first + r) + column, columns);
    }
  }
}

/// Attention of one head of one sequence; y is an (L, K) view of that head's columns, too.
DNALM_ISA_FUNCTION void attention_head(const attended_head& head, const head_scores& how, bool last,
                                       const attention_memory& memory, matrix_view<float> y) {
  pack_channels(head.k, memory.values, memory.keys);  // the values' place is no smaller
  pack_tokens(head.v, memory.values);
  for (index_t first = 0; first < y.rows; first += tile_rows) {
    const index_t rows = y.rows - first < tile_rows ? y.rows - first : tile_rows;
    attend_tile(head, {first, rows, y.rows, y.columns}, in_powers_of_two(how), last, memory, y);
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
      const attended_head head{q.row_block(first, length).column_block(column, width),
                               k.row_block(first, length).column_block(column, width),
                               v.row_block(first, length).column_block(column, width)};
      attention_head(head, scores_of_head(options, h), h + 1 == options.heads, memory,
                     y.row_block(first, length).column_block(column, width));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
