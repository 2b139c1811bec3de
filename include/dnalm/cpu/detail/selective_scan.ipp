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

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
