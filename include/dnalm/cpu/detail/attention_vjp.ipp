// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu_attention_vjp (cpu/attention.hpp), once per instruction set.
///
/// A head goes by chunks of queries. Of each chunk p = e / sum(e), e = 2^(score - largest), and ds = p (dp -
/// mean), dp = dy v^T, are computed by tiles and kept while dq = scale ds k is made of them and dv += p^T dy,
/// dk += ds^T q go on. So every score is computed once, nothing of size L^2 is stored, and every sum stays
/// one chain over increasing keys or queries, wherever chunks end.
///
/// The operands of the products are floats (attention_floats.ipp, attention_vjp_floats.ipp), or pairs of
/// bfloat16 where the instruction set multiplies them (attention_pairs.ipp, attention_vjp_pairs.ipp); scores,
/// p, dp and ds are float in both until they are multiplied.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// out[r, c] = start + sum over words k of x[k, r] panel[k, c] for tile_rows columns r of x; start and chains
/// as in product_tile.
template <int Vectors>
DNALM_ISA_FUNCTION void transposed_tile(const float* x, index_t x_stride, const float* panel, index_t depth,
                                        bool more, float* out, index_t out_stride) {
  lanes sum[tile_rows][Vectors];
  DNALM_CPU_UNROLL
  for (int r = 0; r < tile_rows; ++r) {
    DNALM_CPU_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[r][v] = more ? load(out + r * out_stride + 16 * v) : set1(0.0F);
  }
  for (index_t k = 0; k < depth; ++k, x += x_stride, panel += panel_columns) {
    lanes w[Vectors];
    DNALM_CPU_UNROLL
    for (int v = 0; v < Vectors; ++v) w[v] = load(panel + 16 * v);
    DNALM_CPU_UNROLL
    for (int r = 0; r < tile_rows; ++r) {
      const lanes a = set1(x[r]);
      DNALM_CPU_UNROLL
      for (int v = 0; v < Vectors; ++v) sum[r][v] = DNALM_ISA::multiply_add(a, w[v], sum[r][v]);
    }
  }
  DNALM_CPU_UNROLL
  for (int r = 0; r < tile_rows; ++r) {
    DNALM_CPU_UNROLL
    for (int v = 0; v < Vectors; ++v) store(out + r * out_stride + 16 * v, sum[r][v]);
  }
}

/// sums[r, c] (+)= sum over `rows` of weights[i, r] row_i[c] for tile_rows tokens and all channels; `weights`
/// begins with the rows.
DNALM_ISA_FUNCTION void transposed_sums(const float* weights, index_t weight_stride, token_range rows,
                                        const float* by_rows, index_t length, index_t width, bool more,
                                        float* sums) {
  const index_t stride = panel_count(width) * panel_columns;
  const index_t depth = attention_words(rows.size());
  for (index_t column = 0; column < width; column += panel_columns) {
    const float* panel =
        by_rows + column * attention_words(length) + attention_words(rows.begin) * panel_columns;
    index_t first = 0;
    if constexpr (tile_vectors == 2) {
      if (width - column > 16) {
        transposed_tile<2>(weights, weight_stride, panel, depth, more, sums + column, stride);
        continue;
      }
    }
    for (; first < panel_columns && first < width - column; first += 16) {
      transposed_tile<1>(weights, weight_stride, panel + first, depth, more, sums + column + first, stride);
    }
  }
}

/// scores[r, j] = x_r . row_j for the `rows` operands x_r and all j in `range` (whole panels of 32 around it)
/// of `length` packed rows of `width` channels.
DNALM_ISA_FUNCTION void tile_scores(index_t rows, const float* x, const float* by_columns, index_t length,
                                    index_t width, token_range range, float* scores, index_t score_stride) {
  const index_t words = attention_words(width);
  for (index_t column = range.begin / panel_columns * panel_columns; column < range.end;
       column += panel_columns) {
    const index_t columns = length - column < panel_columns ? length - column : panel_columns;
    multiply_operands(rows, x, words, by_columns + column * words, columns, words, scores + column,
                      score_stride, false);
  }
}

/// y[first + r] = factor sum over j in `range`, whole pairs, of the operands weights[r, j] row_j.
DNALM_ISA_FUNCTION void tile_sums(const float* weights, index_t weight_stride, token_range range,
                                  const float* by_rows, float factor, index_t first, index_t rows,
                                  matrix_view<float> y) {
  alignas(64) float sums[tile_rows * panel_columns];
  for (index_t column = 0; column < y.columns; column += panel_columns) {
    const index_t columns = y.columns - column < panel_columns ? y.columns - column : panel_columns;
    const float* panel =
        by_rows + column * attention_words(y.rows) + attention_words(range.begin) * panel_columns;
    multiply_operands(rows, weights + range.begin, weight_stride, panel, columns,
                      attention_words(range.size()), sums, panel_columns, false);
    for (index_t r = 0; r < rows; ++r) {
      scale_row(sums + r * panel_columns, factor, y.row_data(first + r) + column, columns);
    }
  }
}

/// p = e inverse in the place of e, and ds = p (dp - sum of p dp) in that of dp; the sum in 16 interleaved
/// chains.
DNALM_ISA_FUNCTION void attention_vjp_row(float* e, float* ds, float inverse, index_t columns) {
  const lanes factor = set1(inverse);
  lanes sum = set1(0.0F);
  const index_t whole = columns / 16 * 16;
  const index_t rest = columns - whole;
  for (index_t c = 0; c < whole; c += 16) sum = fma(load(e + c), load(ds + c), sum);
  if (rest > 0) sum = fma(load_part(e + whole, rest), load_part(ds + whole, rest), sum);
  const lanes mean = set1(reduce_add(sum) * inverse);
  for (index_t c = 0; c < whole; c += 16) {
    const lanes p = mul(load(e + c), factor);
    store(e + c, p);
    store(ds + c, mul(p, sub(load(ds + c), mean)));
  }
  if (rest > 0) {
    const lanes p = mul(load_part(e + whole, rest), factor);
    store_part(e + whole, p, rest);
    store_part(ds + whole, mul(p, sub(load_part(ds + whole, rest), mean)), rest);
  }
}

/// p and ds of a few queries, among those of the chunk at `place`, and their dq. Both are 0 for the keys
/// outside a query's window that some tile of keys will read.
DNALM_ISA_FUNCTION void attention_vjp_queries(const attention_head_views& head, const head_scores& how,
                                              const attention_vjp_memory& memory, index_t first, index_t rows,
                                              index_t place) {
  const index_t length = head.q.rows;
  const index_t width = head.q.columns;
  const index_t words = attention_words(width);
  const token_range tile = tokens_near_tile(first, length, how.window);
  const head_scores powers = in_powers_of_two(how);
  float* p = tile_place(memory.p + place, memory.tile_p);
  float* ds = tile_place(memory.ds + place, memory.tile_ds);
  for (index_t r = 0; r < rows; ++r) {
    query_operand(head.q.row_data(first + r), powers.scale, width, memory.queries + r * words);
  }
  tile_scores(rows, memory.queries, memory.key_columns, length, width, tile, p, memory.stride);
  for (index_t r = 0; r < rows; ++r) {
    query_operand(head.dy.row_data(first + r), 1.0F, width, memory.queries + r * words);
  }
  tile_scores(rows, memory.queries, memory.value_columns, length, width, tile, ds, memory.stride);
  const token_range read = whole_groups(tile, length);
  for (index_t r = 0; r < rows; ++r) {
    const token_range keys = tokens_near(first + r, length, how.window);
    float* scores = p + r * memory.stride;
    float* gradients = ds + r * memory.stride;
    float* near = scores + keys.begin;
    if (powers.slope != 0.0F) bias_row(near, keys.size(), powers.slope, first + r - keys.begin);
    const float inverse = 1.0F / power_row(near, keys.size(), largest_of_row(near, keys.size()));
    attention_vjp_row(near, gradients + keys.begin, inverse, keys.size());
    clear_outside(scores, read, keys);
    clear_outside(gradients, read, keys);
  }
  keep_tile(p, memory.stride, rows, read, memory.p + place);
  keep_tile(ds, memory.stride, rows, read, memory.ds + place);
  const token_range keys = whole_pairs(tile);
  for (index_t r = 0; r < rows; ++r) weight_operand(ds + r * memory.stride + keys.begin, keys.size());
  tile_sums(ds, memory.stride, keys, memory.key_rows, how.scale, first, rows, head.dq);
}

/// What the queries of a chunk add to the sums of all keys near them. A query beside an odd end of them is 0
/// at these keys: it stands in the same group of 12.
DNALM_ISA_FUNCTION void attention_vjp_keys(const attention_head_views& head, const head_scores& how,
                                           const attention_vjp_memory& memory, token_range chunk) {
  const index_t length = head.q.rows;
  const index_t width = head.q.columns;
  for (index_t first = 0; first < length; first += tile_rows) {
    const token_range near = tokens_near_tile(first, length, how.window);
    if (near.begin >= chunk.end || near.end <= chunk.begin) continue;
    const token_range rows = whole_pairs(
        {near.begin > chunk.begin ? near.begin : chunk.begin, near.end < chunk.end ? near.end : chunk.end});
    const bool more = near.begin < chunk.begin;
    const index_t place = attention_words(rows.begin - chunk.begin) * memory.stride + first;
    const index_t sums = first * panel_count(width) * panel_columns;
    transposed_sums(memory.p + place, memory.stride, rows, memory.gradient_rows, length, width, more,
                    memory.dv + sums);
    transposed_sums(memory.ds + place, memory.stride, rows, memory.query_rows, length, width, more,
                    memory.dk + sums);
  }
}

/// The gradients of one head of one sequence.
DNALM_ISA_FUNCTION void attention_vjp_head(const attention_head_views& head, const head_scores& how,
                                           bool last, const attention_vjp_memory& memory) {
  const index_t length = head.q.rows;
  pack_channels(head.k, memory.dk, memory.key_columns);
  pack_channels(head.v, memory.dk, memory.value_columns);
  pack_tokens(head.k, memory.key_rows);
  pack_tokens(head.q, memory.query_rows);
  pack_tokens(head.dy, memory.gradient_rows);
  for (index_t begin = 0; begin < length; begin += memory.chunk) {
    const token_range chunk{begin, length - begin < memory.chunk ? length : begin + memory.chunk};
    for (index_t first = begin; first < chunk.end; first += tile_rows) {
      const index_t rows = chunk.end - first < tile_rows ? chunk.end - first : tile_rows;
      if (!last) {
        for (const auto& x : {head.q, head.k, head.v, head.dy}) fetch_behind(x, first, rows);
      }
      attention_vjp_queries(head, how, memory, first, rows, attention_words(first - begin) * memory.stride);
    }
    attention_vjp_keys(head, how, memory, chunk);
  }
  const index_t stride = panel_count(head.q.columns) * panel_columns;
  for (index_t j = 0; j < length; ++j) {
    scale_row(memory.dk + j * stride, how.scale, head.dk.row_data(j), head.dk.columns);
    scale_row(memory.dv + j * stride, 1.0F, head.dv.row_data(j), head.dv.columns);
  }
}

DNALM_ISA_FUNCTION void attention_vjp(const attention_head_views& all, const ragged_offsets& offsets,
                                      const attention_options<float>& options, vector_view<float> scratch) {
  const index_t width = all.q.columns / options.heads;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const attention_vjp_memory memory =
        divide_attention_vjp_scratch(scratch.data, offsets.length(s), width, takes_pairs);
    for (index_t h = 0; h < options.heads; ++h) {
      attention_vjp_head(all.part(offsets.begin(s), offsets.length(s), h * width, width),
                         scores_of_head(options, h), h + 1 == options.heads, memory);
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
