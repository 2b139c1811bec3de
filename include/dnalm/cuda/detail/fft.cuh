// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Fourier transforms of several arrays in the shared memory of a block.
///
/// Passes of radix 8 after one of radix 2, 4 or 8: a thread holds the legs of a butterfly in registers, so
/// that shared memory is read and written once for three factors of two. The first pass of a transform reads
/// what a function gives, the last one hands its numbers to another. Which numbers are added in which order
/// depends on the number of points alone.
#pragma once

#include <cmath>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/fft_shape.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

[[nodiscard]] DNALM_DEVICE complex_float operator+(complex_float a, complex_float b) {
  return {a.re + b.re, a.im + b.im};
}
[[nodiscard]] DNALM_DEVICE complex_float operator-(complex_float a, complex_float b) {
  return {a.re - b.re, a.im - b.im};
}
/// a w, a conj(w), and a sum with it.
[[nodiscard]] DNALM_DEVICE complex_float times(complex_float a, complex_float w) {
  return {std::fma(a.re, w.re, -(a.im * w.im)), std::fma(a.re, w.im, a.im * w.re)};
}
[[nodiscard]] DNALM_DEVICE complex_float times_conjugate(complex_float a, complex_float w) {
  return {std::fma(a.re, w.re, a.im * w.im), std::fma(a.im, w.re, -(a.re * w.im))};
}
[[nodiscard]] DNALM_DEVICE complex_float plus_times(complex_float sum, complex_float a, complex_float w) {
  return {std::fma(-a.im, w.im, std::fma(a.re, w.re, sum.re)),
          std::fma(a.im, w.re, std::fma(a.re, w.im, sum.im))};
}
[[nodiscard]] DNALM_DEVICE complex_float plus_times_conjugate(complex_float sum, complex_float a,
                                                              complex_float w) {
  return {std::fma(a.im, w.im, std::fma(a.re, w.re, sum.re)),
          std::fma(-a.re, w.im, std::fma(a.im, w.re, sum.im))};
}

inline constexpr float half_root = 0.70710678118654752440F;

/// a exp(-2 pi i e / 8) for e = 0, 1, 2, 3; backwards: with its conjugate.
[[nodiscard]] DNALM_DEVICE complex_float turned(complex_float a, int e) {
  if (e == 1) return {half_root * (a.re + a.im), half_root * (a.im - a.re)};
  if (e == 2) return {a.im, -a.re};
  if (e == 3) return {half_root * (a.im - a.re), -(half_root * (a.re + a.im))};
  return a;
}
[[nodiscard]] DNALM_DEVICE complex_float turned_back(complex_float a, int e) {
  if (e == 1) return {half_root * (a.re - a.im), half_root * (a.re + a.im)};
  if (e == 2) return {-a.im, a.re};
  if (e == 3) return {-(half_root * (a.re + a.im)), half_root * (a.re - a.im)};
  return a;
}

/// The transform of R points; frequency f is left in the place whose bits are those of f backwards.
template <int R>
DNALM_DEVICE void small_transform(complex_float (&v)[R]) {
  DNALM_UNROLL
  for (int half = R / 2; half > 0; half /= 2) {
    DNALM_UNROLL
    for (int i = 0; i < R; ++i) {
      if ((i & half) != 0) continue;
      const complex_float a = v[i];
      const complex_float b = v[i + half];
      v[i] = a + b;
      v[i + half] = turned(a - b, (i & (half - 1)) * (4 / half));
    }
  }
}
/// R times its inverse.
template <int R>
DNALM_DEVICE void small_inverse(complex_float (&v)[R]) {
  DNALM_UNROLL
  for (int half = 1; half < R; half *= 2) {
    DNALM_UNROLL
    for (int i = 0; i < R; ++i) {
      if ((i & half) != 0) continue;
      const complex_float a = v[i];
      const complex_float b = turned_back(v[i + half], (i & (half - 1)) * (4 / half));
      v[i] = a + b;
      v[i + half] = a - b;
    }
  }
}

/// Numbers that an array of so many points takes: after 16 points one is left free, so that legs 8 or 64
/// apart lie in different banks; arrays begin in different banks too.
[[nodiscard]] DNALM_HD inline int fft_array_numbers(int points, int arrays) {
  return points + points / 16 + (arrays < 16 ? 16 / arrays : 1);
}
[[nodiscard]] inline index_t fft_shared_bytes(int points, int arrays) {
  return index_t{arrays} * fft_array_numbers(points, arrays) * static_cast<index_t>(sizeof(complex_float));
}

/// The arrays of a block, a power of two of them with `points` = 2^log points each, and the factors of their
/// passes (fft_shape.hpp). All threads call the functions.
struct fft_block {
  complex_float* numbers;
  int arrays;
  int log;
  const complex_float* turns;

  [[nodiscard]] DNALM_DEVICE int points() const { return 1 << log; }
  [[nodiscard]] DNALM_DEVICE complex_float& at(int array, int i) const {
    return numbers[array * fft_array_numbers(points(), arrays) + i + i / 16];
  }

  /// visit(array, i) for all i < count of the first `some` arrays, a power of two, neighbours in neighbouring
  /// threads: arrays first.
  template <class Visit>
  DNALM_DEVICE void for_each(int some, int count, const Visit& visit) const {
    const int shift = log_of(some);
    for (int item = thread_index(); item < some * count; item += block_threads()) {
      visit(item & (some - 1), item >> shift);
    }
  }

  /// Reads and writes the arrays themselves.
  [[nodiscard]] DNALM_DEVICE auto get() const {
    return [this](int array, int i) { return at(array, i); };
  }
  [[nodiscard]] DNALM_DEVICE auto put() const {
    return [this](int array, int i, complex_float v) { at(array, i) = v; };
  }

  /// Makes frequencies of load(array, i), hands place p to store(array, p, number). At least 16 points.
  template <class Load, class Store>
  DNALM_DEVICE void forward(const Load& load, const Store& store) const {
    const int radix = first_radix(log);
    const int m = points() / radix;
    if (radix == 2) pass<2>(points(), load, put());
    if (radix == 4) pass<4>(points(), load, put());
    if (radix == 8) pass<8>(points(), load, put());
    int rest = m;
    for (; rest > 8; rest /= 8) pass<8>(rest, get(), put());
    pass<8>(rest, get(), store);
  }
  /// The way back, M times the inverse: load(array, p) to store(array, i, number).
  template <class Load, class Store>
  DNALM_DEVICE void inverse(const Load& load, const Store& store) const {
    const int radix = first_radix(log);
    inverse_pass<8>(8, load, put());
    for (int m = 64; m * radix <= points(); m *= 8) inverse_pass<8>(m, get(), put());
    if (radix == 2) inverse_pass<2>(points(), get(), store);
    if (radix == 4) inverse_pass<4>(points(), get(), store);
    if (radix == 8) inverse_pass<8>(points(), get(), store);
  }

 private:
  [[nodiscard]] static DNALM_DEVICE int log_of(int power) {
    int bits = 0;
    while (1 << bits < power) ++bits;
    return bits;
  }
  /// Every m points on their own: legs m / R apart, out as sums with the powers of exp(-2 pi i / R), times
  /// exp(-2 pi i f j / m).
  template <int R, class Load, class Store>
  DNALM_DEVICE void pass(int m, const Load& load, const Store& store) const {
    const int step = m / R;
    const complex_float* w = turns + (points() - m);
    for_each(arrays, points() / R, [&](int array, int butterfly) {
      const int j = butterfly & (step - 1);
      const int first = (butterfly - j) * R + j;
      complex_float v[R];
      DNALM_UNROLL
      for (int l = 0; l < R; ++l) v[l] = load(array, first + l * step);
      small_transform<R>(v);
      DNALM_UNROLL
      for (int l = 1; l < R; ++l) v[l] = times(v[l], w[(leg_frequency<R>(l) - 1) * step + j]);
      DNALM_UNROLL
      for (int l = 0; l < R; ++l) store(array, first + l * step, v[l]);
    });
    sync_block();
  }
  template <int R, class Load, class Store>
  DNALM_DEVICE void inverse_pass(int m, const Load& load, const Store& store) const {
    const int step = m / R;
    const complex_float* w = turns + (points() - m);
    for_each(arrays, points() / R, [&](int array, int butterfly) {
      const int j = butterfly & (step - 1);
      const int first = (butterfly - j) * R + j;
      complex_float v[R];
      DNALM_UNROLL
      for (int l = 0; l < R; ++l) v[l] = load(array, first + l * step);
      DNALM_UNROLL
      for (int l = 1; l < R; ++l) v[l] = times_conjugate(v[l], w[(leg_frequency<R>(l) - 1) * step + j]);
      small_inverse<R>(v);
      DNALM_UNROLL
      for (int l = 0; l < R; ++l) store(array, first + l * step, v[l]);
    });
    sync_block();
  }
  /// Bits of a leg's place backwards.
  template <int R>
  [[nodiscard]] static DNALM_DEVICE int leg_frequency(int l) {
    if constexpr (R == 8) {
      return (l & 1) * 4 + (l & 2) + (l >> 2);
    } else if constexpr (R == 4) {
      return (l & 1) * 2 + (l >> 1);
    } else {
      return l;
    }
  }
};

}  // namespace detail::gpu
DNALM_END_NAMESPACE
