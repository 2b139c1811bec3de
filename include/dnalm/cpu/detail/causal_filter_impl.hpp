// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/causal_filter.hpp: spectra in double.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/cpu/causal_filter.hpp>
#include <dnalm/cpu/detail/rows_at_once.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline constexpr index_t filter_lanes = 16;

/// Points of 16 channels: 16 real parts, then 16 imaginary ones.
inline constexpr index_t filter_point = 2 * filter_lanes;

/// (a, b) -> (a + b, (a - b) w).
inline void halve_points(double* a, double* b, fft_turn w) {
  for (index_t c = 0; c < filter_lanes; ++c) {
    const double re = a[c] - b[c];
    const double im = a[filter_lanes + c] - b[filter_lanes + c];
    a[c] += b[c];
    a[filter_lanes + c] += b[filter_lanes + c];
    b[c] = re * w.re - im * w.im;
    b[filter_lanes + c] = re * w.im + im * w.re;
  }
}

/// x becomes its transform of m points, a power of two; turns[k step] = exp(-2 pi i k / m).
inline void transform_points(double* x, index_t m, const std::vector<fft_turn>& turns, index_t step) {
  if (m == 1) return;
  const index_t half = m / 2;
  for (index_t j = 0; j < half; ++j) {
    halve_points(x + j * filter_point, x + (j + half) * filter_point,
                 turns[static_cast<std::size_t>(j * step)]);
  }
  transform_points(x, half, turns, 2 * step);
  transform_points(x + half * filter_point, half, turns, 2 * step);
}

/// (a, b, c) -> sums with powers of exp(-2 pi i / 3), times 1, w^j, w^2j.
inline void third_points(double* x, index_t third, index_t j, const std::vector<fft_turn>& turns) {
  constexpr double side = 0.866025403784438646763;
  const fft_turn w1 = turns[static_cast<std::size_t>(j)];
  const fft_turn w2 = turns[static_cast<std::size_t>(2 * j)];
  double* a = x + j * filter_point;
  double* b = a + third * filter_point;
  double* c = b + third * filter_point;
  for (index_t i = 0; i < filter_lanes; ++i) {
    const index_t im = filter_lanes + i;
    const double sum_re = b[i] + c[i];
    const double sum_im = b[im] + c[im];
    const double gap_re = side * (b[i] - c[i]);
    const double gap_im = side * (b[im] - c[im]);
    const double half_re = a[i] - 0.5 * sum_re;
    const double half_im = a[im] - 0.5 * sum_im;
    a[i] += sum_re;
    a[im] += sum_im;
    const fft_turn p{half_re + gap_im, half_im - gap_re};  // half - i gap
    const fft_turn q{half_re - gap_im, half_im + gap_re};  // half + i gap
    b[i] = p.re * w1.re - p.im * w1.im;
    b[im] = p.re * w1.im + p.im * w1.re;
    c[i] = q.re * w2.re - q.im * w2.im;
    c[im] = q.re * w2.im + q.im * w2.re;
  }
}

inline void transform_all_points(double* x, index_t points, const std::vector<fft_turn>& turns) {
  const index_t third = fft_third(points);
  if (third == points) return transform_points(x, points, turns, 1);
  for (index_t j = 0; j < third; ++j) third_points(x, third, j, turns);
  for (index_t k = 0; k < 3; ++k) transform_points(x + k * third * filter_point, third, turns, 3);
}

/// The taps [0, M) of up to 16 channels as M points, even taps real, odd ones imaginary, zeros behind them.
inline void fill_points(matrix_view<const double> taps, index_t first, index_t points,
                        std::vector<double>& x) {
  std::fill(x.begin(), x.end(), 0.0);
  const index_t n = std::min(filter_lanes, taps.columns - first);
  for (index_t r = 0; r < points; ++r) {
    std::copy_n(taps.row_data(r) + first, n, x.data() + (r / 2) * filter_point + (r % 2) * filter_lanes);
  }
}

/// [H_e, H_o] / 2 M of one pair: H_e = (Z + conj(Z')) / 2, H_o = (Z - conj(Z')) / 2 i, Z' that of -k.
inline void store_pair(const double* z, const double* mirror, double scale, float* h) {
  for (index_t c = 0; c < filter_lanes; ++c) {
    const double re = z[c];
    const double im = z[filter_lanes + c];
    const double mirror_re = mirror[c];
    const double mirror_im = mirror[filter_lanes + c];
    h[c] = static_cast<float>(scale * (re + mirror_re));
    h[filter_lanes + c] = static_cast<float>(scale * (im - mirror_im));
    h[2 * filter_lanes + c] = static_cast<float>(scale * (im + mirror_im));
    h[3 * filter_lanes + c] = static_cast<float>(scale * (mirror_re - re));
  }
}

inline void fill_spectrum(matrix_view<const double> taps, const std::vector<fft_turn>& turns,
                          causal_filter& filter) {
  const index_t points = filter.rows_at_once;
  std::vector<double> x(static_cast<std::size_t>(checked_mul(points, filter_point)));
  const double scale = 0.25 / static_cast<double>(points);
  float* h = filter.spectrum.data();
  for (index_t first = 0; first < taps.columns; first += filter_lanes) {
    fill_points(taps, first, points, x);
    transform_all_points(x.data(), points, turns);
    for (const fft_block& block : filter.tables->blocks) {
      for (index_t i = 0; i < block.count; ++i, h += 2 * filter_point) {
        store_pair(x.data() + (block.first + i) * filter_point, x.data() + (block.mirror - i) * filter_point,
                   scale, h);
      }
    }
  }
}

inline void fill_direct(matrix_view<const double> taps, causal_filter& filter) {
  for (index_t c = 0; c < taps.columns; ++c) {
    float* block = filter.direct.data() + c / filter_lanes * filter.direct_rows * filter_lanes;
    for (index_t r = 0; r < taps.rows; ++r) {
      block[r * filter_lanes + c % filter_lanes] = static_cast<float>(taps(r, c));
    }
  }
}

/// Numbers of the spectrum and of the taps for sums, of so many blocks of channels.
inline index_t spectrum_numbers(index_t rows_at_once, index_t blocks) {
  if (rows_at_once == 0) return 0;
  return checked_mul(blocks, checked_mul(rows_at_once / 2 + 1, 2 * filter_point));
}
inline index_t direct_filter_rows(index_t taps, index_t rows_at_once) {
  return rows_at_once < taps ? taps + 8 : 0;  // a block of rows reads up to 7 behind the last one
}

}  // namespace detail

DNALM_INLINE index_t cpu_filter_taps(index_t length) {
  return detail::taps_for_rows_at_once(detail::convolution_rows_at_once(length));
}

DNALM_INLINE index_t causal_filter_numbers(index_t taps, index_t channels) {
  const index_t blocks = (channels + detail::filter_lanes - 1) / detail::filter_lanes;
  const index_t at_once = detail::convolution_rows_at_once(taps);
  const index_t direct = checked_mul(detail::direct_filter_rows(taps, at_once), detail::filter_lanes);
  return checked_add(detail::spectrum_numbers(at_once, blocks), checked_mul(blocks, direct));
}

DNALM_INLINE causal_filter_plan plan_causal_filter(index_t taps) {
  causal_filter_plan plan{taps, {}, {}};
  const index_t points = detail::convolution_rows_at_once(taps);
  if (points == 0) return plan;
  plan.tables = std::make_shared<const detail::fft_tables>(detail::make_fft_tables(points));
  plan.turns.reserve(static_cast<std::size_t>(points));
  for (index_t k = 0; k < points; ++k) plan.turns.push_back(detail::turn_of(k, points));
  return plan;
}

DNALM_INLINE causal_filter make_causal_filter(matrix_view<const double> taps) {
  return make_causal_filter(taps, plan_causal_filter(taps.rows));
}

DNALM_INLINE causal_filter make_causal_filter(matrix_view<const double> taps,
                                              const causal_filter_plan& plan) {
  const index_t blocks = (taps.columns + detail::filter_lanes - 1) / detail::filter_lanes;
  causal_filter filter;
  filter.taps = taps.rows;
  filter.channels = taps.columns;
  filter.rows_at_once = detail::convolution_rows_at_once(taps.rows);
  if (filter.rows_at_once > 0) {
    filter.tables = plan.tables;
    filter.spectrum = buffer<float>(detail::spectrum_numbers(filter.rows_at_once, blocks), uninitialized);
    detail::fill_spectrum(taps, plan.turns, filter);
  }
  filter.direct_rows = detail::direct_filter_rows(taps.rows, filter.rows_at_once);
  if (filter.direct_rows > 0) {
    filter.direct = buffer<float>(checked_mul(blocks, checked_mul(filter.direct_rows, detail::filter_lanes)));
    detail::fill_direct(taps, filter);
  }
  return filter;
}

DNALM_END_NAMESPACE
