// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu_attention_vjp (cpu/attention.hpp), once per instruction set.
///
/// Two passes over tiles. The first goes by queries: scores, probabilities p, dp = dy v^T, ds = p (dp -
/// mean), dq = scale ds k, and keeps three numbers per query (largest score, 1 / sum of exponentials, mean of
/// dp). The second goes by keys: the same scores transposed, p and ds from the kept numbers, dv = p^T dy, dk
/// = scale ds^T q. Recomputing the scores costs two products more than keeping L^2 of them, and every sum
/// stays one chain.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// dq of one head of one sequence, and the numbers of its queries.
DNALM_ISA_FUNCTION void attention_vjp_queries(const attention_head_views& head, const head_scores& how,
                                              const attention_vjp_memory& memory) {
  const index_t length = head.q.rows;
  pack_by_columns(head.k, memory.score_columns);
  pack_by_columns(head.v, memory.gradient_columns);
  pack_by_rows(head.k, memory.score_rows);
  float factor[tile_rows];
  for (index_t r = 0; r < tile_rows; ++r) factor[r] = how.scale;
  for (index_t first = 0; first < length; first += tile_rows) {
    const index_t rows = length - first < tile_rows ? length - first : tile_rows;
    const token_range tile = tokens_near_tile(first, length, how.window);
    tile_scores(head.q, first, rows, memory.score_columns, tile, memory.p, memory.stride);
    tile_scores(head.dy, first, rows, memory.gradient_columns, tile, memory.ds, memory.stride);
    for (index_t r = 0; r < rows; ++r) {
      const index_t i = first + r;
      const token_range keys = tokens_near(i, length, how.window);
      float* p = memory.p + r * memory.stride + keys.begin;
      float* ds = memory.ds + r * memory.stride + keys.begin;
      memory.largest[i] = score_row(p, keys.size(), how.scale, how.slope, i - keys.begin);
      memory.inverse[i] = 1.0F / exponential_row(p, keys.size(), memory.largest[i]);
      scale_row(p, memory.inverse[i], p, keys.size());
      memory.mean[i] = softmax_vjp_row(p, ds, ds, keys.size());
      clear_outside(memory.ds + r * memory.stride, tile, keys);
    }
    tile_sums(memory.ds, memory.stride, tile, memory.score_rows, factor, first, rows, head.dq);
  }
}

/// p = exp(s - largest) inverse and ds = p (dp - mean) of one key with `count` queries, in place.
DNALM_ISA_FUNCTION void attention_vjp_key(float* s, float* dp, const float* largest, const float* inverse,
                                          const float* mean, index_t count) {
  index_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const lanes p = mul(exp(sub(load(s + i), load(largest + i))), load(inverse + i));
    store(s + i, p);
    store(dp + i, mul(p, sub(load(dp + i), load(mean + i))));
  }
  if (i < count) {
    const index_t n = count - i;
    const lanes p = mul(exp(sub(load_part(s + i, n), load_part(largest + i, n))), load_part(inverse + i, n));
    store_part(s + i, p, n);
    store_part(dp + i, mul(p, sub(load_part(dp + i, n), load_part(mean + i, n))), n);
  }
}

/// dk and dv of one head of one sequence.
DNALM_ISA_FUNCTION void attention_vjp_keys(const attention_head_views& head, const head_scores& how,
                                           const attention_vjp_memory& memory) {
  const index_t length = head.q.rows;
  pack_by_columns(head.q, memory.score_columns);
  pack_by_columns(head.dy, memory.gradient_columns);
  pack_by_rows(head.q, memory.score_rows);
  pack_by_rows(head.dy, memory.gradient_rows);
  float one[tile_rows];
  float factor[tile_rows];
  for (index_t r = 0; r < tile_rows; ++r) {
    one[r] = 1.0F;
    factor[r] = how.scale;
  }
  for (index_t first = 0; first < length; first += tile_rows) {
    const index_t rows = length - first < tile_rows ? length - first : tile_rows;
    const token_range tile = tokens_near_tile(first, length, how.window);
    tile_scores(head.k, first, rows, memory.score_columns, tile, memory.p, memory.stride);
    tile_scores(head.v, first, rows, memory.gradient_columns, tile, memory.ds, memory.stride);
    for (index_t r = 0; r < rows; ++r) {
      const index_t j = first + r;
      const token_range queries = tokens_near(j, length, how.window);
      const index_t begin = queries.begin;
      float* p = memory.p + r * memory.stride;
      float* ds = memory.ds + r * memory.stride;
      static_cast<void>(score_row(p + begin, queries.size(), how.scale, how.slope, j - begin));
      attention_vjp_key(p + begin, ds + begin, memory.largest + begin, memory.inverse + begin,
                        memory.mean + begin, queries.size());
      clear_outside(p, tile, queries);
      clear_outside(ds, tile, queries);
    }
    tile_sums(memory.p, memory.stride, tile, memory.gradient_rows, one, first, rows, head.dv);
    tile_sums(memory.ds, memory.stride, tile, memory.score_rows, factor, first, rows, head.dk);
  }
}

DNALM_ISA_FUNCTION void attention_vjp(const attention_head_views& all, const ragged_offsets& offsets,
                                      const attention_options<float>& options, vector_view<float> scratch) {
  const index_t width = all.q.columns / options.heads;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const attention_vjp_memory memory = divide_attention_vjp_scratch(scratch.data, offsets.length(s), width);
    for (index_t h = 0; h < options.heads; ++h) {
      const attention_head_views head = all.part(offsets.begin(s), offsets.length(s), h * width, width);
      const head_scores how = scores_of_head(options, h);
      attention_vjp_queries(head, how, memory);
      attention_vjp_keys(head, how, memory);
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
