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
DNALM_ISA_INLINE lanes scan_decay(const scan_row& row, const float* rates) {
  return exp2_of_negative(mul(row.scaled, load(rates)));
}
DNALM_ISA_INLINE lanes next_state(const scan_row& row, const float* rates, const float* state, float b) {
  return fma(scan_decay(row, rates), load(state), mul(row.input, set1(b)));
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
      const lanes next = next_state(row, rates + 16 * s, state + 16 * s, parts[s]);
      store(state + 16 * s, next);
      sum = fma(next, set1(parts[states + s]), sum);
    }
    scan_store(y.row_data(r) + c, sum, n);
  }
}

/// The states behind rows [from, from + count), from the state before them: `history` (count, N, 16).
DNALM_ISA_FUNCTION void scan_history(const scan_input<float>& in, const scan_rows& rows, index_t c,
                                     index_t from, index_t count, const float* rates, const float* before,
                                     float* history) {
  const index_t states = in.rates.rows;
  const index_t n = in.x.columns - c;
  const float* state = before;
  for (index_t i = 0; i < count; ++i) {
    const index_t r = rows.at(from + i);
    const float* parts = in.parts.row_data(r);
    const scan_row row = read_scan_row(in.x.row_data(r) + c, in.delta.row_data(r) + c, n);
    float* next = history + i * 16 * states;
    for (index_t s = 0; s < states; ++s) {
      store(next + 16 * s, next_state(row, rates + 16 * s, state + 16 * s, parts[s]));
    }
    state = next;
  }
}

/// The adjoint at one row (reference_scan_step_vjp): g (N, 16) goes along, `sums` (2 N) gets what these
/// channels give to dB and dC. `before` and `behind` (N, 16) are the states.
DNALM_ISA_FUNCTION void scan_step_vjp(const scan_input<float>& in, index_t r, index_t c, lanes dy,
                                      const float* rates, const float* before, const float* behind, float* g,
                                      const scan_gradient<float>& gradient, float* sums) {
  const index_t states = in.rates.rows;
  const index_t n = in.x.columns - c;
  const float* parts = in.parts.row_data(r);
  const lanes raw = scan_load(in.delta.row_data(r) + c, n);
  const scan_row row = read_scan_row(in.x.row_data(r) + c, in.delta.row_data(r) + c, n);
  lanes by_input = set1(0.0F);
  lanes by_rate = set1(0.0F);
  for (index_t s = 0; s < states; ++s) {
    const lanes h = fma(set1(parts[states + s]), dy, load(g + 16 * s));
    sums[states + s] += reduce_add(mul(load(behind + 16 * s), dy));
    sums[s] += reduce_add(mul(h, row.input));
    by_input = fma(h, set1(parts[s]), by_input);
    const lanes next = mul(h, scan_decay(row, rates + 16 * s));
    store(g + 16 * s, next);
    by_rate = fma(mul(next, load(rates + 16 * s)), load(before + 16 * s), by_rate);
  }
  const lanes dx = fma(row.delta, by_input, mul(scan_load(in.skip.data + c, n), dy));
  const lanes dd = mul(fma(row.x, by_input, by_rate), logistic_both(raw).value);
  scan_store(gradient.x.row_data(r) + c, dx, n);
  scan_store(gradient.delta.row_data(r) + c, dd, n);
}

/// `carried`: the states that one sequence begins with and ends with, or null: zeros, and forgotten.
DNALM_ISA_FUNCTION void selective_scan(const scan_input<float>& in, const ragged_offsets& offsets,
                                       float* carried, vector_view<float> scratch, matrix_view<float> y,
                                       index_t chunk) {
  const index_t numbers = 16 * in.rates.rows;
  float* rates = scratch.data;
  float* states = carried == nullptr ? scratch.data + numbers : carried;
  for (index_t q = 0; q < offsets.sequences(); ++q) {
    const scan_rows rows(offsets.begin(q), offsets.length(q), in.order);
    for (index_t from = 0; from < rows.count; from += chunk) {
      const index_t count = rows.count - from < chunk ? rows.count - from : chunk;
      for (index_t c = 0; c < y.columns; c += 16) {
        float* state = states + c / 16 * numbers;
        if (from == 0 && carried == nullptr)
          __builtin_memset(state, 0, static_cast<std::size_t>(numbers) * sizeof(float));
        copy_rates(in.rates.data + c, in.rates.stride, in.rates.rows, y.columns - c, rates);
        scan_block(in, rows, c, from, count, rates, state, y);
      }
    }
  }
}

/// One block of channels of the adjoint: the states before every chunk, then the chunks from the last to the
/// first.
DNALM_ISA_FUNCTION void scan_block_vjp(const scan_input<float>& in, const scan_rows& rows, index_t c,
                                       matrix_view<const float> dy, const scan_vjp_memory& m,
                                       const scan_gradient<float>& gradient, matrix_view<float> parts) {
  const index_t numbers = 16 * in.rates.rows;
  const index_t n = in.x.columns - c;
  copy_rates(in.rates.data + c, in.rates.stride, in.rates.rows, n, m.rates);
  __builtin_memset(m.starts, 0, static_cast<std::size_t>(numbers) * sizeof(float));
  __builtin_memset(m.g, 0, static_cast<std::size_t>(numbers) * sizeof(float));
  const index_t chunks = (rows.count + m.chunk - 1) / m.chunk;
  for (index_t k = 0; k + 1 < chunks; ++k) {
    scan_history(in, rows, c, k * m.chunk, m.chunk, m.rates, m.starts + k * numbers, m.history);
    __builtin_memcpy(m.starts + (k + 1) * numbers, m.history + (m.chunk - 1) * numbers,
                     static_cast<std::size_t>(numbers) * sizeof(float));
  }
  for (index_t k = chunks; k-- > 0;) {
    const index_t from = k * m.chunk;
    const index_t count = rows.count - from < m.chunk ? rows.count - from : m.chunk;
    const float* start = m.starts + k * numbers;
    scan_history(in, rows, c, from, count, m.rates, start, m.history);
    for (index_t i = count; i-- > 0;) {
      const index_t r = rows.at(from + i);
      const float* before = i == 0 ? start : m.history + (i - 1) * numbers;
      scan_step_vjp(in, r, c, scan_load(dy.row_data(r) + c, n), m.rates, before, m.history + i * numbers, m.g,
                    gradient, parts.row_data(r - rows.first));
    }
  }
}

DNALM_ISA_FUNCTION void selective_scan_vjp(const scan_input<float>& in, const scan_rows& rows,
                                           matrix_view<const float> dy, const scan_vjp_memory& m,
                                           const scan_gradient<float>& gradient, matrix_view<float> parts) {
  for (index_t r = 0; r < rows.count; ++r) {
    __builtin_memset(parts.row_data(r), 0, static_cast<std::size_t>(2 * in.rates.rows) * sizeof(float));
  }
  for (index_t c = 0; c < in.x.columns; c += 16) scan_block_vjp(in, rows, c, dy, m, gradient, parts);
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
