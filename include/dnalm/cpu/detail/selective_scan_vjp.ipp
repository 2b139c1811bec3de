// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The adjoint of cpu/selective_scan.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

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

/// dx and ddelta of rows from ... from + Rows - 1 from dy, the sums of h B and of g A s_before, and d with
/// its slope, `steps` (Rows, 2, 16).
template <int Rows>
DNALM_ISA_INLINE void finish_rows(const scan_input<float>& in, const scan_rows& rows, index_t c, index_t from,
                                  const float* steps, const lanes* of_y, const lanes* by_input,
                                  const lanes* by_rate, const scan_gradient<float>& gradient) {
  const index_t n = in.x.columns - c;
  const lanes skip = scan_load(in.skip.data + c, n);
  DNALM_CPU_UNROLL
  for (int k = 0; k < Rows; ++k) {
    const index_t r = rows.at(from + k);
    const lanes x = scan_load(in.x.row_data(r) + c, n);
    const lanes dx = fma(load(steps + 32 * k), by_input[k], mul(skip, of_y[k]));
    const lanes dd = mul(fma(x, by_input[k], by_rate[k]), load(steps + 32 * k + 16));
    scan_store(gradient.x.row_data(r) + c, dx, n);
    scan_store(gradient.delta.row_data(r) + c, dd, n);
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
  lanes of_y[Rows];
  lanes input[Rows];
  lanes by_input[Rows];
  lanes by_rate[Rows];
  DNALM_CPU_UNROLL
  for (int k = 0; k < Rows; ++k) {
    const index_t r = rows.at(from + i + k);
    parts[k] = in.parts.row_data(r);
    of_y[k] = scan_load(dy.row_data(r) + c, n);
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
      const lanes h = fma(set1(parts[k][states + s]), of_y[k], next);
      by_b[k] = mul(h, input[k]);
      by_c[k] = mul(behind, of_y[k]);
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
  finish_rows<Rows>(in, rows, c, from + i, m.steps + 32 * i, of_y, by_input, by_rate, gradient);
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

/// dB and dC of a chunk's rows from m.sums.
DNALM_ISA_FUNCTION void add_up_chunk(const scan_rows& rows, index_t from, index_t count,
                                     const scan_vjp_memory& m, index_t states, matrix_view<float> parts) {
  const index_t in_tiles = count / scan_tile * scan_tile;
  for (index_t i = 0; i < count; i += i < in_tiles ? scan_tile : 1) {
    const float* sums = m.sums + scan_slot(count, i) * 32 * states;
    const index_t live = i < in_tiles ? scan_tile : 1;
    for (index_t s = 0; s < 2 * states; ++s) {
      float of_rows[scan_tile];
      add_fours(load(sums + 16 * s), of_rows);
      for (index_t k = 0; k < live; ++k) parts(rows.at(from + i + k) - rows.first, s) = of_rows[k];
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
  add_up_chunk(rows, from, count, m, in.rates.rows, parts);
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
