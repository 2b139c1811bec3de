// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu_attention (cpu/attention.hpp), once per instruction set.
///
/// The operands of the products are floats, or pairs of bfloat16 where the instruction set multiplies them;
/// scores, weights and their sum are float in both.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

#if DNALM_ISA_HAS_PAIRS

/// Words of n operands: pairs of bfloat16.
inline index_t attention_words(index_t n) {
  return (n + 1) / 2;
}
DNALM_ISA_FUNCTION void pack_keys_and_values(matrix_view<const float> k, matrix_view<const float> v,
                                             const attention_memory& memory) {
  const index_t words = attention_words(k.columns);
  float* rounded = memory.values;  // for a moment: it is no smaller
  for (index_t j = 0; j < k.rows; ++j) round_row(k.row_data(j), k.columns, rounded + j * words);
  pack_by_columns({rounded, k.rows, words, words}, memory.keys);
  for (index_t column = 0; column < v.columns; column += panel_columns) {
    const index_t columns = v.columns - column < panel_columns ? v.columns - column : panel_columns;
    float* panel = memory.values + column * attention_words(v.rows);
    for (index_t j = 0; j < v.rows; j += 2, panel += panel_columns) {
      const float* second = j + 1 < v.rows ? v.row_data(j + 1) + column : nullptr;
      round_two_rows(v.row_data(j) + column, second, columns, panel);
    }
  }
}
DNALM_ISA_FUNCTION void query_operand(const float* q, float scale, index_t width, float* to) {
  round_scaled_row(q, scale, width, to);
}
/// Weights of keys as operands, in their place.
DNALM_ISA_FUNCTION void weight_operand(float* weights, index_t n) {
  round_row(weights, n, weights);
}
/// 2^x for x <= 0 as exp2_of_negative, by a polynomial of degree 3: relative error 1.1e-4, a twentieth of
/// what rounding to bfloat16 adds; exactly 1 at 0.
DNALM_ISA_INLINE lanes rough_power(lanes x) {
  const lanes clamped = max(set1(-127.0F), x);  // there 2^n is 0
  const lanes magic = set1(12583039.0F);        // 2^23 + 2^22 + 127: adding it rounds to an integer
  const lanes shifted = add(clamped, magic);
  const lanes r = sub(clamped, sub(shifted, magic));
  lanes p = set1(5.5008933e-2F);
  p = fma(p, r, set1(2.4221097e-1F));
  p = fma(p, r, set1(6.932829e-1F));
  const lanes power = power_of_two(shifted);
  return fma(p, mul(r, power), power);
}
/// Scores become operands 2^(score - largest), in their place; returns the sum of the weights before
/// rounding, in 32 interleaved chains.
DNALM_ISA_FUNCTION float weigh_row(float* s, index_t n, float largest) {
  const lanes shift = set1(largest);
  lanes even = set1(0.0F);
  lanes odd = even;
  index_t c = 0;
  for (; c + 32 <= n; c += 32) {
    const lanes first = rough_power(sub(load(s + c), shift));
    const lanes second = rough_power(sub(load(s + c + 16), shift));
    even = add(even, first);
    odd = add(odd, second);
    store(s + c / 2, round_pairs(first, second));
  }
  if (c < n) {
    const index_t rest = n - c;
    const lanes none = set1(0.0F);
    const lanes first = first_of(rest, rough_power(sub(load_up_to(s + c, rest), shift)), none);
    const lanes second =
        rest > 16 ? first_of(rest - 16, rough_power(sub(load_up_to(s + c + 16, rest - 16), shift)), none)
                  : none;
    even = add(even, first);
    odd = add(odd, second);
    store_part(s + c / 2, round_pairs(first, second), (rest + 1) / 2);
  }
  return reduce_add(add(even, odd));
}
DNALM_ISA_FUNCTION void multiply_operands(index_t rows, const float* x, index_t x_stride, const float* panel,
                                          index_t columns, index_t words, float* out, index_t out_stride,
                                          bool more) {
  pairs_panel(rows, x, x_stride, panel, columns, words, out, out_stride, more);
}

#else

/// Words of n operands: floats.
inline index_t attention_words(index_t n) {
  return n;
}
DNALM_ISA_FUNCTION void pack_keys_and_values(matrix_view<const float> k, matrix_view<const float> v,
                                             const attention_memory& memory) {
  pack_by_columns(k, memory.keys);
  pack_by_rows(v, memory.values);
}
DNALM_ISA_FUNCTION void query_operand(const float* q, float scale, index_t width, float* to) {
  scale_row(q, scale, to, width);
}
inline void weight_operand(float*, index_t) {}
DNALM_ISA_FUNCTION float weigh_row(float* s, index_t n, float largest) {
  return power_row(s, n, largest);
}
DNALM_ISA_FUNCTION void multiply_operands(index_t rows, const float* x, index_t x_stride, const float* panel,
                                          index_t columns, index_t words, float* out, index_t out_stride,
                                          bool more) {
  product_panel(rows, x, x_stride, panel, columns, words, out, out_stride, more);
}

#endif

/// Scores of the tile's queries and the keys of `block`, in memory.scores from the first panel of the block
/// on.
DNALM_ISA_FUNCTION void block_scores(const attention_tile& tile, token_range block,
                                     const attention_memory& memory) {
  const index_t start = panel_start(block);
  const index_t words = attention_words(tile.width);
  for (index_t key = start; key < block.end; key += panel_columns) {
    const index_t columns = tile.length - key < panel_columns ? tile.length - key : panel_columns;
    multiply_operands(tile.rows, memory.queries, words, memory.keys + key * words, columns, words,
                      memory.scores + key - start, memory.score_stride, false);
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
    if (how.slope != 0.0F) bias_row(scores, near[r].size(), how.slope, tile.first + r - near[r].begin);
    const float largest = largest_of_row(scores, near[r].size());
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
DNALM_ISA_FUNCTION void attend_tile(matrix_view<const float> q, const attention_tile& tile,
                                    const head_scores& how, const attention_memory& memory,
                                    matrix_view<float> y) {
  for (index_t r = 0; r < tile.rows; ++r) {
    query_operand(q.row_data(tile.first + r), how.scale, tile.width,
                  memory.queries + r * attention_words(tile.width));
  }
  running_softmax softmax;
  alignas(64) float change[16];
  const token_range keys = whole_pairs(tokens_near_tile(tile.first, tile.length, how.window));
  for (token_range block = first_key_block(keys); block.size() > 0; block = next_key_block(block, keys)) {
    block_scores(tile, block, memory);
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

/// Attention of one head of one sequence; q, k, v, y are (L, K) views of that head's columns.
DNALM_ISA_FUNCTION void attention_head(matrix_view<const float> q, matrix_view<const float> k,
                                       matrix_view<const float> v, const head_scores& how, bool last,
                                       const attention_memory& memory, matrix_view<float> y) {
  pack_keys_and_values(k, v, memory);
  for (index_t first = 0; first < q.rows; first += tile_rows) {
    const index_t rows = q.rows - first < tile_rows ? q.rows - first : tile_rows;
    if (!last) {
      fetch_behind(q, first, rows);
      fetch_behind(k, first, rows);
      fetch_behind(v, first, rows);
    }
    attend_tile(q, {first, rows, q.rows, q.columns}, in_powers_of_two(how), memory, y);
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
                     h + 1 == options.heads, memory, y.row_block(first, length).column_block(column, width));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
