// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sizes, order and factors of the Fourier transforms of the GPU's long convolution.
///
/// A transform of M points, a power of two, by decimation in frequency leaves frequency k in the place p
/// whose bits are those of k backwards. k and -k lie mirrored: 0 and M / 2 in places 0 and 1 with themselves,
/// and place b + i, b a power of two, 0 <= i < b / 2, with place 2 b - 1 - i.
///
/// More points than shared memory holds are M = first second, point n = n1 second + n2: transforms over n1,
/// factors exp(-2 pi i n2 k1 / M), transforms over n2; k = k1 + first k2. Place p1 second + p2 holds that k.
/// -k then lies in the mirrored row and, but in row 0, in place second - 1 - p2.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

struct alignas(8) complex_float {
  float re;
  float im;
};
/// Spectra of the even and the odd taps at one frequency, and so at its negative.
struct alignas(16) spectrum_pair {
  complex_float even;
  complex_float odd;
};

/// The largest power of two <= i, 1 <= i < 2^24.
[[nodiscard]] DNALM_HD inline int top_bit(int i) {
  int top = i;
  for (int shift = 1; shift < 32; shift *= 2) top |= top >> shift;
  return top - (top >> 1);
}
/// The lowest `bits` bits of i backwards.
[[nodiscard]] DNALM_HD inline int reversed_bits(int i, int bits) {
  auto r = static_cast<std::uint32_t>(i);
  r = (r >> 1 & 0x55555555U) | (r & 0x55555555U) << 1;
  r = (r >> 2 & 0x33333333U) | (r & 0x33333333U) << 2;
  r = (r >> 4 & 0x0F0F0F0FU) | (r & 0x0F0F0F0FU) << 4;
  r = (r >> 8 & 0x00FF00FFU) | (r & 0x00FF00FFU) << 8;
  r = r >> 16 | r << 16;
  return bits == 0 ? 0 : static_cast<int>(r >> (32 - bits));
}
/// Place i of the lower halves, i >= 1: 2, 4, 5, 8, 9, 10, 11, 16, ...; and the place of its negative.
[[nodiscard]] DNALM_HD inline int lower_place(int i) {
  return i + top_bit(i);
}
[[nodiscard]] DNALM_HD inline int mirrored_place(int i) {
  return 6 * top_bit(i) - 1 - lower_place(i);
}

/// How a transform of M points is carried out.
struct fft_shape {
  int points = 0;      ///< M
  int log_first = 0;   ///< 0: one pass over shared memory
  int log_second = 0;  ///< M = 2^(log_first + log_second)
  int channels = 1;    ///< side by side in a block; a power of two

  [[nodiscard]] DNALM_HD int first() const { return 1 << log_first; }
  [[nodiscard]] DNALM_HD int second() const { return 1 << log_second; }
  [[nodiscard]] DNALM_HD bool at_once() const { return log_first == 0; }
  /// Pairs of frequencies k and -k; the first one is 0 and M / 2.
  [[nodiscard]] DNALM_HD int pairs() const { return points / 2; }
  /// Of factors exp(-2 pi i m / M): the bits of m that choose within the second table.
  [[nodiscard]] DNALM_HD int fine_bits() const { return (log_first + log_second + 1) / 2; }
};

/// Points of all channels of a block in shared memory: with the gaps between them 70 kB, so that two blocks
/// share a multiprocessor of an A100.
inline constexpr int fft_block_points = 8192;
/// Channels of a block where they fit: 32 bytes of a row, what a GPU reads at a time.
inline constexpr int most_fft_channels = 8;

/// For M = 2^log >= 16. In one pass as long as two channels fit: of a row's 32 bytes fewer than 8 would be
/// used. `block_points`: other sizes, for tests.
[[nodiscard]] inline fft_shape shape_of_fft(int log, int block_points = fft_block_points) {
  fft_shape shape{.points = 1 << log, .log_first = 0, .log_second = log};
  int widest = shape.points;
  if (2 * shape.points > block_points) {
    shape.log_second = log / 2;
    shape.log_first = log - shape.log_second;
    widest = std::max(shape.first(), 2 * shape.second());
  }
  shape.channels = std::clamp(block_points / widest, 1, most_fft_channels);
  return shape;
}

/// The radix of the first pass of 2^log points, so that all others are 8.
[[nodiscard]] DNALM_HD inline int first_radix(int log) {
  return log % 3 == 0 ? 8 : 1 << log % 3;
}

/// exp(-2 pi i k / m), rounded from double.
[[nodiscard]] inline complex_float rounded_turn(index_t k, index_t m) {
  const double angle = 2.0 * 3.14159265358979323846 * static_cast<double>(k % m) / static_cast<double>(m);
  return {static_cast<float>(std::cos(angle)), static_cast<float>(-std::sin(angle))};
}

/// All factors of a shape, one table behind the other.
struct fft_factors {
  std::vector<complex_float> turns = {};
  int second = 0;  ///< where the passes over n2 begin (those over n1 stand first)
  int coarse = 0;  ///< exp(-2 pi i m / M) for the multiples m of 2^fine_bits
  int fine = 0;    ///< for m < 2^fine_bits
  int pairs = 0;   ///< exp(-2 pi i k / M) by pairs of frequencies
};

/// Appends the factors of the passes over m = 2^log points: by passes w^(f j), f = 1, ..., radix - 1, j
/// fastest; 2^log - 1 of them.
inline void append_passes(int log, std::vector<complex_float>& turns) {
  int radix = first_radix(log);
  for (int m = 1 << log; m > 1; m /= radix, radix = 8) {
    for (int f = 1; f < radix; ++f) {
      for (int j = 0; j < m / radix; ++j) turns.push_back(rounded_turn(index_t{f} * j, m));
    }
  }
}

/// The frequency of pair `pair`, as the kernels number them: by couples of rows, then places.
[[nodiscard]] inline int pair_frequency(const fft_shape& shape, int pair) {
  const int second = shape.second();
  const int couple = pair / second;
  const int i = pair % second;
  if (shape.at_once()) return reversed_bits(pair == 0 ? 0 : lower_place(pair), shape.log_second);
  const auto frequency = [&](int p1, int p2) {
    return reversed_bits(p1, shape.log_first) + shape.first() * reversed_bits(p2, shape.log_second);
  };
  if (couple > 0) return frequency(lower_place(couple), i);
  if (i >= second / 2) return frequency(1, i - second / 2);
  return i == 0 ? 0 : frequency(0, lower_place(i));
}

[[nodiscard]] inline fft_factors factors_of_fft(const fft_shape& shape) {
  fft_factors tables;
  const auto here = [&] { return static_cast<int>(tables.turns.size()); };
  append_passes(shape.log_first, tables.turns);
  tables.second = here();
  append_passes(shape.log_second, tables.turns);
  const int fine = shape.at_once() ? 0 : 1 << shape.fine_bits();
  tables.coarse = here();
  for (int m = 0; m < shape.points && fine > 0; m += fine) {
    tables.turns.push_back(rounded_turn(m, shape.points));
  }
  tables.fine = here();
  for (int m = 0; m < fine; ++m) tables.turns.push_back(rounded_turn(m, shape.points));
  tables.pairs = here();
  for (int pair = 0; pair < shape.pairs(); ++pair) {
    tables.turns.push_back(rounded_turn(pair_frequency(shape, pair), shape.points));
  }
  return tables;
}

}  // namespace detail
DNALM_END_NAMESPACE
