// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/long_convolution.hpp, once per instruction set.
///
/// Rows 2 j and 2 j + 1 of 16 channels are the real and imaginary part of point j of a transform of M points,
/// M the rows that are computed at once; the second half of the points is the zeros behind them. With X_e,
/// X_o the transforms of the even and odd rows, Z = X_e + i X_o, and H_e, H_o those of the filter, the
/// product with the filter is Y_e = H_e X_e + w^k H_o X_o and Y_o = H_e X_o + H_o X_e, w = exp(-2 pi i / M),
/// for k and -k together.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

DNALM_ISA_INLINE lanes load_columns(const float* from, index_t n) {
  return n >= 16 ? load(from) : load_part(from, n);
}
DNALM_ISA_INLINE void store_columns(float* to, lanes x, index_t n) {
  if (n >= 16) {
    store(to, x);
  } else {
    store_part(to, x, n);
  }
}

/// Rows 2 j and 2 j + 1 as a point; zeros from row `rows` on.
DNALM_ISA_INLINE point point_of_rows(matrix_view<const float> x, index_t j, index_t rows, index_t n) {
  const index_t r = 2 * j;
  return {r < rows ? load_columns(x.row_data(r), n) : set1(0.0F),
          r + 1 < rows ? load_columns(x.row_data(r + 1), n) : set1(0.0F)};
}
/// The same with values: y = value + d x.
DNALM_ISA_INLINE void rows_of_point(point value, matrix_view<const float> x, lanes d, index_t j, index_t rows,
                                    index_t n, matrix_view<float> y) {
  const index_t r = 2 * j;
  if (r >= rows) return;
  store_columns(y.row_data(r), fma(d, load_columns(x.row_data(r), n), value.re), n);
  if (r + 1 >= rows) return;
  store_columns(y.row_data(r + 1), fma(d, load_columns(x.row_data(r + 1), n), value.im), n);
}

inline constexpr float third_re = -0.5F;
inline constexpr float third_im = 0.866025403784438646763F;  // of exp(2 pi i / 3)

/// x = the transform of `rows` rows, at most M; `work` has M points.
DNALM_ISA_FUNCTION void transform_rows(matrix_view<const float> x, index_t rows, index_t n,
                                       const fft_tables& tables, float* work) {
  const index_t m = tables.points;
  const index_t third = fft_third(m);
  const float* w = tables.turns.data();
  if (third == m) {
    const index_t q = m / 4;
    for (index_t j = 0; j < q; ++j) {
      const four_points y =
          forward_two(point_of_rows(x, j, rows, n), point_of_rows(x, j + q, rows, n), w + 6 * j);
      store_four(work + j * point_size, q, y);
    }
    for (index_t k = 0; k < 4; ++k) fft_forward(work + k * q * point_size, q, w + 6 * q);
    return;
  }
  // a + b, (a + b exp(-2 pi i / 3)) w^j, (a + b exp(2 pi i / 3)) w^2j; the third third is zeros.
  for (index_t j = 0; j < third; ++j) {
    const point a = point_of_rows(x, j, rows, n);
    const point b = point_of_rows(x, j + third, rows, n);
    const point half = {fma(set1(third_re), b.re, a.re), fma(set1(third_re), b.im, a.im)};
    const point side = {mul(set1(third_im), b.re), mul(set1(third_im), b.im)};
    float* at = work + j * point_size;
    store_point(at, add(a, b));
    store_point(at + third * point_size, mul(sub_turned(half, side), factor(w + 4 * j)));
    store_point(at + 2 * third * point_size, mul(add_turned(half, side), factor(w + 4 * j + 2)));
  }
  for (index_t k = 0; k < 3; ++k) fft_forward(work + k * third * point_size, third, w + 4 * third);
}

/// y = M times the inverse of the transform in `work`, and d x, for the first `rows` rows; y may be x.
DNALM_ISA_FUNCTION void rows_of_transform(float* work, const fft_tables& tables, matrix_view<const float> x,
                                          lanes d, index_t rows, index_t n, matrix_view<float> y) {
  const index_t m = tables.points;
  const index_t third = fft_third(m);
  const float* w = tables.turns.data();
  if (third == m) {
    const index_t q = m / 4;
    for (index_t k = 0; k < 4; ++k) fft_inverse(work + k * q * point_size, q, w + 6 * q);
    for (index_t j = 0; j < q; ++j) {
      const four_points z = inverse_four(load_four(work + j * point_size, q), w + 6 * j);
      rows_of_point(z.a, x, d, j, rows, n, y);
      rows_of_point(z.b, x, d, j + q, rows, n, y);
    }
    return;
  }
  for (index_t k = 0; k < 3; ++k) fft_inverse(work + k * third * point_size, third, w + 4 * third);
  // a = s + p + r, b = s + p exp(2 pi i / 3) + r exp(-2 pi i / 3); the third third is not needed.
  for (index_t j = 0; j < third; ++j) {
    const float* at = work + j * point_size;
    const point s = load_point(at);
    const point p = mul_conjugate(load_point(at + third * point_size), factor(w + 4 * j));
    const point r = mul_conjugate(load_point(at + 2 * third * point_size), factor(w + 4 * j + 2));
    const point sum = add(p, r);
    const point gap = sub(p, r);
    const point half = {fma(set1(third_re), sum.re, s.re), fma(set1(third_re), sum.im, s.im)};
    const point side = {mul(set1(third_im), gap.re), mul(set1(third_im), gap.im)};
    rows_of_point(add(s, sum), x, d, j, rows, n, y);
    rows_of_point(add_turned(half, side), x, d, j + third, rows, n, y);
  }
}

/// The product of one pair of places with h = [H_e, H_o] / 2 M; or with their conjugates, which makes of
/// sum over j <= i of h[i - j] v[j] the sum over i >= j of h[i - j] v[i]: Y_e = H_e* X_e + H_o* X_o, Y_o =
/// H_e* X_o + (w^k H_o)* X_e.
template <bool Adjoint>
DNALM_ISA_INLINE void multiply_pair(float* place, float* mirror, const float* h, const float* w) {
  const point z = load_point(place);
  const point m = load_point(mirror);
  const point even = {add(z.re, m.re), sub(z.im, m.im)};
  const point odd = {add(z.im, m.im), sub(m.re, z.re)};
  const point he = load_point(h);
  const point ho = load_point(h + point_size);
  point ye;
  point yo;
  if constexpr (Adjoint) {
    ye = fma_conjugate(odd, ho, mul_conjugate(even, he));
    yo = fma_conjugate(mul_conjugate(even, factor(w)), ho, mul_conjugate(odd, he));
  } else {
    ye = fma(mul(odd, factor(w)), ho, mul(even, he));
    yo = fma(even, ho, mul(odd, he));
  }
  store_point(place, add_turned(ye, yo));
  store_point(mirror, {add(ye.re, yo.im), sub(yo.re, ye.im)});
}

template <bool Adjoint>
DNALM_ISA_FUNCTION void multiply_spectrum(float* work, const fft_tables& tables, const float* h) {
  const float* w = tables.pair_turns.data();
  for (const fft_block& block : tables.blocks) {
    for (index_t i = 0; i < block.count; ++i) {
      multiply_pair<Adjoint>(work + (block.first + i) * point_size, work + (block.mirror - i) * point_size, h,
                             w);
      h += 2 * point_size;
      w += 2;
    }
  }
}

inline constexpr int direct_block = 8;        // rows of a block
inline constexpr index_t direct_chain = 256;  // products of one chain

/// Adds to sum[r], r < 8, the sum over j in [from, to) of h[i + r - j] x[j], i + r >= j throughout; back: of
/// h[j - i - r] x[j], j >= i + r throughout. x and h have 16 channels a row.
template <bool Back>
DNALM_ISA_INLINE void add_whole(const float* x, const float* h, index_t i, index_t from, index_t to,
                                lanes* sum) {
  for (index_t begin = from; begin < to; begin += direct_chain) {
    const index_t end = begin + direct_chain < to ? begin + direct_chain : to;
    lanes chain[direct_block];
    DNALM_CPU_UNROLL
    for (int r = 0; r < direct_block; ++r) chain[r] = set1(0.0F);
    for (index_t j = begin; j < end; ++j) {
      const lanes row = load(x + 16 * j);
      const float* tap = h + 16 * (Back ? j - i : i - j);
      DNALM_CPU_UNROLL
      for (int r = 0; r < direct_block; ++r) {
        chain[r] = fma(load(tap + (Back ? -16 * r : 16 * r)), row, chain[r]);
      }
    }
    DNALM_CPU_UNROLL
    for (int r = 0; r < direct_block; ++r) sum[r] = add(sum[r], chain[r]);
  }
}

/// 16 channels of a sequence, side by side, the missing ones 0.
DNALM_ISA_INLINE void copy_columns(matrix_view<const float> x, index_t n, float* copy) {
  for (index_t r = 0; r < x.rows; ++r) store(copy + 16 * r, load_columns(x.row_data(r), n));
}

/// y[i] = sum over j <= i of h[i - j] x[j] + d x[i] for rows [first, x's end).
DNALM_ISA_FUNCTION void direct_rows(const float* x, const float* h, lanes d, index_t first, index_t n,
                                    matrix_view<float> y) {
  for (index_t i = first; i < y.rows; i += direct_block) {
    const index_t count = y.rows - i < direct_block ? y.rows - i : direct_block;
    lanes sum[direct_block];
    DNALM_CPU_UNROLL
    for (int r = 0; r < direct_block; ++r) sum[r] = set1(0.0F);
    add_whole<false>(x, h, i, 0, i + 1, sum);
    for (index_t r = 1; r < count; ++r) {
      for (index_t j = 1; j <= r; ++j) sum[r] = fma(load(h + 16 * (r - j)), load(x + 16 * (i + j)), sum[r]);
    }
    for (index_t r = 0; r < count; ++r) {
      store_columns(y.row_data(i + r), fma(d, load(x + 16 * (i + r)), sum[r]), n);
    }
  }
}

/// y[j] = sum over i >= j of h[i - j] x[i] + d x[j] for rows [first, x's end).
DNALM_ISA_FUNCTION void direct_rows_vjp(const float* x, const float* h, lanes d, index_t first, index_t n,
                                        matrix_view<float> y) {
  for (index_t j = first; j < y.rows; j += direct_block) {
    const index_t count = y.rows - j < direct_block ? y.rows - j : direct_block;
    lanes sum[direct_block];
    DNALM_CPU_UNROLL
    for (int r = 0; r < direct_block; ++r) sum[r] = set1(0.0F);
    for (index_t r = 0; r < count; ++r) {
      for (index_t i = r; i < count && i < direct_block - 1; ++i) {
        sum[r] = fma(load(h + 16 * (i - r)), load(x + 16 * (j + i)), sum[r]);
      }
    }
    add_whole<true>(x, h, j, j + direct_block - 1, y.rows, sum);
    for (index_t r = 0; r < count; ++r) {
      store_columns(y.row_data(j + r), fma(d, load(x + 16 * (j + r)), sum[r]), n);
    }
  }
}

/// y[j] += sum over i >= rows of h[i - j] x[i] for the rows [0, rows).
DNALM_ISA_FUNCTION void add_direct_rows_vjp(const float* x, const float* h, index_t rows, index_t n,
                                            matrix_view<float> y) {
  for (index_t j = 0; j < rows; j += direct_block) {
    lanes sum[direct_block];
    DNALM_CPU_UNROLL
    for (int r = 0; r < direct_block; ++r) sum[r] = load_columns(y.row_data(j + r), n);
    add_whole<true>(x, h, j, rows, y.rows, sum);
    DNALM_CPU_UNROLL
    for (int r = 0; r < direct_block; ++r) store_columns(y.row_data(j + r), sum[r], n);
  }
}

/// One sequence, n (at most 16) channels of block `block` of the filter; y may be x.
template <bool Adjoint>
DNALM_ISA_FUNCTION void convolve(matrix_view<const float> x, const causal_filter& filter, index_t block,
                                 lanes d, index_t n, float* scratch, matrix_view<float> y) {
  const index_t at_once = filter.rows_at_once;
  const index_t rows = x.rows < at_once ? x.rows : at_once;
  const bool behind = x.rows > at_once;
  const float* h = filter.direct.data() + 16 * block * filter.direct_rows;
  if (behind) copy_columns(x, n, scratch);
  if (behind && !Adjoint) direct_rows(scratch, h, d, at_once, n, y);
  if (at_once > 0) {
    float* work = behind ? scratch + 16 * x.rows : scratch;
    transform_rows(x, rows, n, *filter.tables, work);
    multiply_spectrum<Adjoint>(work, *filter.tables,
                               filter.spectrum.data() + 2 * point_size * block * (at_once / 2 + 1));
    rows_of_transform(work, *filter.tables, x, d, rows, n, y);
  }
  if (behind && Adjoint) {
    add_direct_rows_vjp(scratch, h, at_once, n, y);
    direct_rows_vjp(scratch, h, d, at_once, n, y);
  }
}

template <bool Adjoint>
DNALM_ISA_FUNCTION void convolve_all(matrix_view<const float> x,
                                     std::span<const causal_filter* const> filters, index_t first,
                                     vector_view<const float> d, const ragged_offsets& offsets,
                                     float* scratch, matrix_view<float> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const auto in = x.row_block(offsets.begin(s), offsets.length(s));
    const auto out = y.row_block(offsets.begin(s), offsets.length(s));
    for (index_t c = 0; c < x.columns; c += 16) {
      const index_t n = x.columns - c < 16 ? x.columns - c : 16;
      convolve<Adjoint>(in.column_block(c, n), *filters[static_cast<std::size_t>(s)], (first + c) / 16,
                        load_columns(d.data + c, n), n, scratch, out.column_block(c, n));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
