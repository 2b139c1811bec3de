// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/selective_scan.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

DNALM_ISA_INLINE lanes scan_load(const float* from, index_t n) {
  return n >= 16 ? load(from) : load_part(from, n);
}
DNALM_ISA_INLINE void scan_store(float* to, lanes x, index_t n) {
  n >= 16 ? store(to, x) : store_part(to, x, n);
}

/// log(1 + exp(x)) = max(x, 0) + log(1 + e), e = exp(-|x|); log(1 + e) = 2 artanh(u), u = e / (2 + e) <= 1 /
/// 3, by its series to u^13: the next term is 1.4e-8 of the sum at most. NaN stays NaN.
DNALM_ISA_INLINE lanes softplus(lanes x) {
  const lanes e = exp(sub(set1(0.0F), abs(x)));
  const lanes u = div(e, add(set1(2.0F), e));
  const lanes square = mul(u, u);
  lanes p = set1(2.0F / 13.0F);
  p = fma(p, square, set1(2.0F / 11.0F));
  p = fma(p, square, set1(2.0F / 9.0F));
  p = fma(p, square, set1(2.0F / 7.0F));
  p = fma(p, square, set1(2.0F / 5.0F));
  p = fma(p, square, set1(2.0F / 3.0F));
  p = fma(p, square, set1(2.0F));
  return fma(p, u, max(x, set1(0.0F)));
}

/// What a row and a block of channels bring to the recurrence: s = 2^(scaled A) s + input B.
struct scan_row {
  lanes x;
  lanes delta;   ///< d = softplus of what the row holds
  lanes scaled;  ///< d log2(e)
  lanes input;   ///< d x
};
DNALM_ISA_INLINE scan_row read_scan_row(const float* x, const float* delta, index_t n) {
  scan_row row;
  row.x = scan_load(x, n);
  row.delta = softplus(scan_load(delta, n));
  row.scaled = mul(row.delta, set1(1.44269504F));
  row.input = mul(row.delta, row.x);
  return row;
}
/// exp(d A) for the rates of a state: d >= 0 >= A.
DNALM_ISA_INLINE lanes scan_decay(const scan_row& row, lanes rates) {
  return exp2_of_negative(mul(row.scaled, rates));
}
DNALM_ISA_INLINE lanes next_state(const scan_row& row, lanes decay, lanes state, float b) {
  return fma(decay, state, mul(row.input, set1(b)));
}

/// The rates of up to 16 channels together: (N, 16).
DNALM_ISA_FUNCTION void copy_rates(const float* rates, index_t stride, index_t states, index_t n, float* to) {
  for (index_t s = 0; s < states; ++s) store(to + 16 * s, scan_load(rates + s * stride, n));
}

/// Rows [from, from + count) of the scan of up to 16 channels from channel c on; `state` (N, 16) goes along.
DNALM_ISA_FUNCTION void scan_block(const scan_input<float>& in, const scan_rows& rows, index_t c,
                                   index_t from, index_t count, const float* rates, float* state,
                                   matrix_view<float> y) {
  const index_t states = in.rates.rows;
  const index_t n = y.columns - c;
  const lanes skip = scan_load(in.skip.data + c, n);
  for (index_t i = from; i < from + count; ++i) {
    const index_t r = rows.at(i);
    const float* parts = in.parts.row_data(r);
    const scan_row row = read_scan_row(in.x.row_data(r) + c, in.delta.row_data(r) + c, n);
    lanes sum = mul(skip, row.x);
    for (index_t s = 0; s < states; ++s) {
      const lanes decay = scan_decay(row, load(rates + 16 * s));
      const lanes next = next_state(row, decay, load(state + 16 * s), parts[s]);
      store(state + 16 * s, next);
      sum = fma(next, set1(parts[states + s]), sum);
    }
    scan_store(y.row_data(r) + c, sum, n);
  }
}

/// Asks for what a tile will read of rows [from, from + count), where there are such: they lie far apart.
DNALM_ISA_INLINE void fetch_rows(matrix_view<const float> x, const scan_rows& rows, index_t c, index_t from,
                                 index_t count) {
  if (from < 0 || from + count > rows.count) return;
  for (index_t i = from; i < from + count; ++i) __builtin_prefetch(x.row_data(rows.at(i)) + c);
}

/// `state` (N, 16) from before rows from ... from + Rows - 1 to behind them.
template <int Rows>
DNALM_ISA_INLINE void advance_rows(const scan_input<float>& in, const scan_rows& rows, index_t c,
                                   index_t from, const float* rates, float* state) {
  const index_t states = in.rates.rows;
  const float* parts[Rows];
  scan_row row[Rows];
  DNALM_CPU_UNROLL
  for (int k = 0; k < Rows; ++k) {
    const index_t r = rows.at(from + k);
    parts[k] = in.parts.row_data(r);
    row[k] = read_scan_row(in.x.row_data(r) + c, in.delta.row_data(r) + c, in.x.columns - c);
  }
  for (index_t s = 0; s < states; ++s) {
    const lanes rate = load(rates + 16 * s);
    lanes next = load(state + 16 * s);
    DNALM_CPU_UNROLL
    for (int k = 0; k < Rows; ++k) next = next_state(row[k], scan_decay(row[k], rate), next, parts[k][s]);
    store(state + 16 * s, next);
  }
}
DNALM_ISA_FUNCTION void advance_states(const scan_input<float>& in, const scan_rows& rows, index_t c,
                                       index_t from, index_t count, const float* rates, float* state) {
  index_t i = 0;
  for (; i + scan_tile <= count; i += scan_tile) advance_rows<scan_tile>(in, rows, c, from + i, rates, state);
  for (; i < count; ++i) advance_rows<1>(in, rows, c, from + i, rates, state);
}

/// What the adjoint reads of rows i ... i + Rows - 1 of a chunk that begins at row `from`, beside the states
/// before row i: those behind each of them, exp(d A), and d and its slope.
template <int Rows>
DNALM_ISA_INLINE void record_rows(const scan_input<float>& in, const scan_rows& rows, index_t c, index_t from,
                                  index_t i, const float* rates, const scan_vjp_memory& m) {
  const index_t states = in.rates.rows;
  const index_t n = in.x.columns - c;
  const float* parts[Rows];
  scan_row row[Rows];
  lanes slope[Rows];
  DNALM_CPU_UNROLL
  for (int k = 0; k < Rows; ++k) {
    const index_t r = rows.at(from + i + k);
    const float* raw = in.delta.row_data(r) + c;
    parts[k] = in.parts.row_data(r);
    row[k] = read_scan_row(in.x.row_data(r) + c, raw, n);
    slope[k] = logistic_both(scan_load(raw, n)).value;
  }
  DNALM_CPU_UNROLL
  for (int k = 0; k < Rows; ++k) {
    store(m.steps + 32 * (i + k), row[k].delta);
    store(m.steps + 32 * (i + k) + 16, slope[k]);
  }
  float* history = m.history + i * 16 * states;
  float* decays = m.decays + i * 16 * states;
  for (index_t s = 0; s < states; ++s) {
    const lanes rate = load(rates + 16 * s);
    lanes next = load(history + 16 * s);
    DNALM_CPU_UNROLL
    for (int k = 0; k < Rows; ++k) {
      const lanes decay = scan_decay(row[k], rate);
      next = next_state(row[k], decay, next, parts[k][s]);
      store(decays + 16 * (k * states + s), decay);
      store(history + 16 * ((k + 1) * states + s), next);
    }
  }
}

/// The adjoint at rows i ... i + Rows - 1 of a chunk, from the last to the first (reference_scan_step_vjp): g
/// (N, 16) goes along, `sums` (2 N, 16) gets what these channels add to dB and dC (sum_fours).
template <int Rows>
DNALM_ISA_INLINE void go_back_rows(const scan_input<float>& in, const scan_rows& rows, index_t c,
                                   index_t from, index_t i, matrix_view<const float> dy, const float* rates,
                                   float* g, float* sums, const scan_vjp_memory& m,
                                   const scan_gradient<float>& gradient) {
  const index_t states = in.rates.rows;
  const index_t n = in.x.columns - c;
  const float* parts[Rows];
  lanes d[Rows];
  lanes input[Rows];
  lanes by_input[Rows];
  lanes by_rate[Rows];
  DNALM_CPU_UNROLL
  for (int k = 0; k < Rows; ++k) {
    const index_t r = rows.at(from + i + k);
    parts[k] = in.parts.row_data(r);
    d[k] = scan_load(dy.row_data(r) + c, n);
    input[k] = mul(load(m.steps + 32 * (i + k)), scan_load(in.x.row_data(r) + c, n));
    by_input[k] = set1(0.0F);
    by_rate[k] = set1(0.0F);
  }
  fetch_rows(in.x, rows, c, from + i - Rows, Rows);
  fetch_rows(in.delta, rows, c, from + i - Rows, Rows);
  fetch_rows(dy, rows, c, from + i - Rows, Rows);
  const float* history = m.history + i * 16 * states;
  const float* decays = m.decays + i * 16 * states;
  for (index_t s = 0; s < states; ++s) {
    const lanes rate = load(rates + 16 * s);
    lanes next = load(g + 16 * s);
    lanes behind = load(history + 16 * (Rows * states + s));
    lanes by_b[scan_tile];
    lanes by_c[scan_tile];
    DNALM_CPU_UNROLL
    for (int k = Rows; k < scan_tile; ++k) by_b[k] = by_c[k] = set1(0.0F);
    DNALM_CPU_UNROLL
    for (int k = Rows - 1; k >= 0; --k) {
      const lanes before = load(history + 16 * (k * states + s));
      const lanes h = fma(set1(parts[k][states + s]), d[k], next);
      by_b[k] = mul(h, input[k]);
      by_c[k] = mul(behind, d[k]);
      by_input[k] = fma(h, set1(parts[k][s]), by_input[k]);
      next = mul(h, load(decays + 16 * (k * states + s)));
      by_rate[k] = fma(mul(next, rate), before, by_rate[k]);
      behind = before;
    }
    store(g + 16 * s, next);
    float* of_b = sums + 16 * s;
    float* of_c = of_b + 16 * states;
    store(of_b, add(load(of_b), sum_fours(by_b[0], by_b[1], by_b[2], by_b[3])));
    store(of_c, add(load(of_c), sum_fours(by_c[0], by_c[1], by_c[2], by_c[3])));
  }
  const lanes skip = scan_load(in.skip.data + c, n);
  DNALM_CPU_UNROLL
  for (int k = 0; k < Rows; ++k) {
    const index_t r = rows.at(from + i + k);
    const float* step = m.steps + 32 * (i + k);
    const lanes x = scan_load(in.x.row_data(r) + c, n);
    const lanes dx = fma(load(step), by_input[k], mul(skip, d[k]));
    const lanes dd = mul(fma(x, by_input[k], by_rate[k]), load(step + 16));
    scan_store(gradient.x.row_data(r) + c, dx, n);
    scan_store(gradient.delta.row_data(r) + c, dd, n);
  }
}

/// One block of channels of a chunk: forward from m.history (N, 16), then back.
DNALM_ISA_FUNCTION void scan_block_vjp(const scan_input<float>& in, const scan_rows& rows, index_t c,
                                       index_t from, index_t count, matrix_view<const float> dy,
                                       const float* rates, float* g, const scan_vjp_memory& m,
                                       const scan_gradient<float>& gradient) {
  index_t i = 0;
  for (; i + scan_tile <= count; i += scan_tile) record_rows<scan_tile>(in, rows, c, from, i, rates, m);
  for (; i < count; ++i) record_rows<1>(in, rows, c, from, i, rates, m);
  for (; i % scan_tile != 0; --i) {
    float* sums = m.sums + scan_slot(count, i - 1) * 32 * in.rates.rows;
    go_back_rows<1>(in, rows, c, from, i - 1, dy, rates, g, sums, m, gradient);
  }
  for (; i > 0; i -= scan_tile) {
    float* sums = m.sums + scan_slot(count, i - scan_tile) * 32 * in.rates.rows;
    go_back_rows<scan_tile>(in, rows, c, from, i - scan_tile, dy, rates, g, sums, m, gradient);
  }
}

DNALM_ISA_INLINE void copy_states(const float* from, index_t numbers, float* to) {
  __builtin_memcpy(to, from, static_cast<std::size_t>(numbers) * sizeof(float));
}

/// `carried`: the states that one sequence begins with and ends with, or null: zeros, and forgotten.
DNALM_ISA_FUNCTION void selective_scan(const scan_input<float>& in, const ragged_offsets& offsets,
                                       float* carried, vector_view<float> scratch, matrix_view<float> y,
                                       index_t chunk, matrix_view<float> kept) {
  const index_t numbers = 16 * in.rates.rows;
  float* rates = scratch.data;
  float* states = carried == nullptr ? scratch.data + numbers : carried;
  index_t left = 0;  // rows of `kept` that are written
  for (index_t q = 0; q < offsets.sequences(); ++q) {
    const scan_rows rows(offsets.begin(q), offsets.length(q), in.order);
    for (index_t from = 0; from < rows.count; from += chunk) {
      const index_t count = rows.count - from < chunk ? rows.count - from : chunk;
      for (index_t c = 0; c < y.columns; c += 16) {
        float* state = states + c / 16 * numbers;
        if (from == 0 && carried == nullptr)
          __builtin_memset(state, 0, static_cast<std::size_t>(numbers) * sizeof(float));
        if (from > 0 && kept.rows > 0) copy_states(state, numbers, kept.row_data(left) + c / 16 * numbers);
        copy_rates(in.rates.data + c, in.rates.stride, in.rates.rows, y.columns - c, rates);
        scan_block(in, rows, c, from, count, rates, state, y);
      }
      if (from > 0) ++left;
    }
  }
}

/// m.starts: every row begins as the one before it and goes along a chunk.
DNALM_ISA_FUNCTION void find_starts(const scan_input<float>& in, const scan_rows& rows,
                                    const scan_vjp_memory& m) {
  const index_t numbers = 16 * in.rates.rows;
  for (index_t k = 0; k < m.starts.rows; ++k) {
    float* state = m.starts.row_data(k);
    if (k == 0) {
      __builtin_memset(state, 0, static_cast<std::size_t>(m.starts.columns) * sizeof(float));
    } else {
      copy_states(m.starts.row_data(k - 1), m.starts.columns, state);
    }
    for (index_t c = 0; c < in.x.columns; c += 16) {
      const index_t block = c / 16 * numbers;
      advance_states(in, rows, c, k * m.chunk, m.chunk, m.rates + block, state + block);
    }
  }
}

/// The adjoint of a chunk for all channels; m.g (blocks, N, 16) goes along.
DNALM_ISA_FUNCTION void scan_chunk_vjp(const scan_input<float>& in, const scan_rows& rows, index_t from,
                                       matrix_view<const float> dy, const scan_vjp_memory& m,
                                       const scan_gradient<float>& gradient, matrix_view<float> parts) {
  const index_t numbers = 16 * in.rates.rows;
  const matrix_view<const float> starts = m.kept.rows > 0 ? m.kept : m.starts;
  const index_t count = rows.count - from < m.chunk ? rows.count - from : m.chunk;
  __builtin_memset(m.sums, 0,
                   static_cast<std::size_t>(scan_slot(count, count) * 2 * numbers) * sizeof(float));
  for (index_t c = 0; c < in.x.columns; c += 16) {
    const index_t block = c / 16 * numbers;
    if (from == 0) {
      __builtin_memset(m.history, 0, static_cast<std::size_t>(numbers) * sizeof(float));
    } else {
      copy_states(starts.row_data(from / m.chunk - 1) + block, numbers, m.history);
    }
    scan_block_vjp(in, rows, c, from, count, dy, m.rates + block, m.g + block, m, gradient);
  }
  for (index_t i = 0; i < count; i += i < count / scan_tile * scan_tile ? scan_tile : 1) {
    const float* sums = m.sums + scan_slot(count, i) * 2 * numbers;
    const index_t live = i < count / scan_tile * scan_tile ? scan_tile : 1;
    for (index_t s = 0; s < 2 * in.rates.rows; ++s) {
      float of_rows[scan_tile];
      add_fours(load(sums + 16 * s), of_rows);
      for (index_t k = 0; k < live; ++k) parts(rows.at(from + i + k) - rows.first, s) = of_rows[k];
    }
  }
}

/// The states before every chunk, then the chunks from the last to the first.
DNALM_ISA_FUNCTION void selective_scan_vjp(const scan_input<float>& in, const scan_rows& rows,
                                           matrix_view<const float> dy, const scan_vjp_memory& m,
                                           const scan_gradient<float>& gradient, matrix_view<float> parts) {
  const index_t numbers = 16 * in.rates.rows;
  for (index_t c = 0; c < in.x.columns; c += 16) {
    const index_t block = c / 16 * numbers;
    copy_rates(in.rates.data + c, in.rates.stride, in.rates.rows, in.x.columns - c, m.rates + block);
    __builtin_memset(m.g + block, 0, static_cast<std::size_t>(numbers) * sizeof(float));
  }
  if (m.kept.rows == 0) find_starts(in, rows, m);
  const index_t chunks = (rows.count + m.chunk - 1) / m.chunk;
  for (index_t k = chunks; k-- > 0;) scan_chunk_vjp(in, rows, k * m.chunk, dy, m, gradient, parts);
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
