// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu_attention_vjp (cpu/attention.hpp), once per instruction set.
///
/// A head goes by chunks of queries. Of each chunk e = 2^(score - largest) and ds = p (dp - mean), p = e /
/// sum(e), dp = dy v^T, are computed by tiles and kept while dq = scale ds k is made of them and dv += e^T
/// (dy / sum(e)), dk += ds^T q go on. So every score is computed once, nothing of size L^2 is stored, and
/// every sum stays one chain over increasing keys or queries, wherever chunks end.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// out[r, c] = start + sum over k of x[k, r] panel[k, c] for tile_rows columns r of x; start and chains as in
/// product_tile.
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
      for (int v = 0; v < Vectors; ++v) sum[r][v] = fma(a, w[v], sum[r][v]);
    }
  }
  DNALM_CPU_UNROLL
  for (int r = 0; r < tile_rows; ++r) {
    DNALM_CPU_UNROLL
    for (int v = 0; v < Vectors; ++v) store(out + r * out_stride + 16 * v, sum[r][v]);
  }
}

/// sums[r, c] (+)= sum over `rows` of weights[i, r] row_i[c] for tile_rows tokens and all channels.
DNALM_ISA_FUNCTION void transposed_sums(const float* weights, index_t weight_stride, token_range rows,
                                        const float* by_rows, index_t length, index_t width, bool more,
                                        float* sums) {
  const index_t stride = panel_count(width) * panel_columns;
  for (index_t column = 0; column < width; column += panel_columns) {
    const float* panel = by_rows + column * length + rows.begin * panel_columns;
    index_t first = 0;
    if constexpr (tile_vectors == 2) {
      if (width - column > 16) {
        transposed_tile<2>(weights, weight_stride, panel, rows.size(), more, sums + column, stride);
        continue;
      }
    }
    for (; first < panel_columns && first < width - column; first += 16) {
      transposed_tile<1>(weights, weight_stride, panel + first, rows.size(), more, sums + column + first,
                         stride);
    }
  }
}

/// ds = p (dp - sum of p dp) from exponentials e, p = e inverse, and dp in ds; the sum in 16 interleaved
/// chains.
DNALM_ISA_FUNCTION void attention_vjp_row(const float* e, float* ds, float inverse, index_t columns) {
  const lanes factor = set1(inverse);
  lanes sum = set1(0.0F);
  const index_t whole = columns / 16 * 16;
  const index_t rest = columns - whole;
  for (index_t c = 0; c < whole; c += 16) sum = fma(load(e + c), load(ds + c), sum);
  if (rest > 0) sum = fma(load_part(e + whole, rest), load_part(ds + whole, rest), sum);
  const lanes mean = set1(reduce_add(sum) * inverse);
  for (index_t c = 0; c < whole; c += 16) {
    store(ds + c, mul(mul(load(e + c), factor), sub(load(ds + c), mean)));
  }
  if (rest > 0) {
    const lanes last = mul(mul(load_part(e + whole, rest), factor), sub(load_part(ds + whole, rest), mean));
    store_part(ds + whole, last, rest);
  }
}

/// Row j of rows packed by rows, times a factor.
DNALM_ISA_FUNCTION void scale_packed_row(float* by_rows, index_t length, index_t width, index_t j,
                                         float factor) {
  for (index_t column = 0; column < width; column += panel_columns) {
    float* row = by_rows + column * length + j * panel_columns;
    scale_row(row, factor, row, width - column < panel_columns ? width - column : panel_columns);
  }
}

/// Exponentials e = p sum(e) in p, and ds, of a few queries, and their dq; their packed dy is divided by
/// sum(e), so that e^T makes dv of it. Both are 0 for the keys outside a query's window that some tile of
/// keys will read.
DNALM_ISA_FUNCTION void attention_vjp_queries(const attention_head_views& head, const head_scores& how,
                                              const attention_vjp_memory& memory, index_t first, index_t rows,
                                              float* p, float* ds) {
  const index_t length = head.q.rows;
  const index_t width = head.q.columns;
  const token_range tile = tokens_near_tile(first, length, how.window);
  const head_scores powers = in_powers_of_two(how);
  for (index_t r = 0; r < rows; ++r) {
    scale_row(head.q.row_data(first + r), powers.scale, memory.queries + r * width, width);
  }
  tile_scores(rows, memory.queries, width, memory.key_columns, length, width, tile, p, memory.stride);
  tile_scores(rows, head.dy.row_data(first), head.dy.stride, memory.value_columns, length, width, tile, ds,
              memory.stride);
  const token_range read = whole_groups(tile, length);
  float factor[tile_rows];
  for (index_t r = 0; r < rows; ++r) {
    const token_range keys = tokens_near(first + r, length, how.window);
    float* scores = p + r * memory.stride;
    float* gradients = ds + r * memory.stride;
    float* near = scores + keys.begin;
    if (powers.slope != 0.0F) bias_row(near, keys.size(), powers.slope, first + r - keys.begin);
    const float inverse = 1.0F / power_row(near, keys.size(), largest_of_row(near, keys.size()));
    attention_vjp_row(near, gradients + keys.begin, inverse, keys.size());
    scale_packed_row(memory.gradient_rows, length, width, first + r, inverse);
    clear_outside(scores, read, keys);
    clear_outside(gradients, read, keys);
    factor[r] = how.scale;
  }
  tile_sums(ds, memory.stride, tile, memory.key_rows, factor, first, rows, head.dq);
}

/// What the queries of a chunk add to the sums of all keys near them.
DNALM_ISA_FUNCTION void attention_vjp_keys(const attention_head_views& head, const head_scores& how,
                                           const attention_vjp_memory& memory, token_range chunk) {
  const index_t length = head.q.rows;
  const index_t width = head.q.columns;
  for (index_t first = 0; first < length; first += tile_rows) {
    const token_range near = tokens_near_tile(first, length, how.window);
    const token_range rows{near.begin > chunk.begin ? near.begin : chunk.begin,
                           near.end < chunk.end ? near.end : chunk.end};
    if (rows.size() <= 0) continue;
    const bool more = near.begin < chunk.begin;
    const index_t place = (rows.begin - chunk.begin) * memory.stride + first;
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
  pack_by_columns(head.k, memory.key_columns);
  pack_by_columns(head.v, memory.value_columns);
  pack_by_rows(head.k, memory.key_rows);
  pack_by_rows(head.q, memory.query_rows);
  pack_by_rows(head.dy, memory.gradient_rows);
  for (index_t begin = 0; begin < length; begin += memory.chunk) {
    const token_range chunk{begin, length - begin < memory.chunk ? length : begin + memory.chunk};
    for (index_t first = begin; first < chunk.end; first += tile_rows) {
      const index_t rows = chunk.end - first < tile_rows ? chunk.end - first : tile_rows;
      const index_t place = (first - begin) * memory.stride;
      if (!last) {
        for (const auto& x : {head.q, head.k, head.v, head.dy}) fetch_behind(x, first, rows);
      }
      attention_vjp_queries(head, how, memory, first, rows, memory.p + place, memory.ds + place);
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
    const attention_vjp_memory memory = divide_attention_vjp_scratch(scratch.data, offsets.length(s), width);
    for (index_t h = 0; h < options.heads; ++h) {
      attention_vjp_head(all.part(offsets.begin(s), offsets.length(s), h * width, width),
                         scores_of_head(options, h), h + 1 == options.heads, memory);
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
