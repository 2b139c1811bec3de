// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Order, pairs and factors of a Fourier transform that leaves its frequencies where they fall.
///
/// A transform of M = q or 3 q points, q a power of two, by decimation in frequency: place p of a third holds
/// the number whose bits are those of p backwards. k and -k lie mirrored: of a power of two, places [2^j,
/// 2^(j + 1)) hold the frequencies with lowest bit q / 2^(j + 1), where negation turns the higher bits of k
/// and so the lower ones of p. Of 3 q points the first third holds 3 k', the others 3 k' + 1 and 3 k' + 2, of
/// which -(3 k' + 1) = 3 (-k' - 1) + 2 turns all bits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Points of the power of two in a transform of M points.
[[nodiscard]] inline index_t fft_third(index_t points) {
  return points % 3 == 0 ? points / 3 : points;
}

/// The frequency in place p.
[[nodiscard]] inline index_t fft_frequency(index_t p, index_t points) {
  const index_t q = fft_third(points);
  index_t k = 0;
  for (index_t bit = 1; bit < q; bit *= 2) k = 2 * k + ((p & bit) != 0 ? 1 : 0);
  return q == points ? k : 3 * k + p / q;
}

/// Places first + i and mirror - i, 0 <= i < count, hold k and -k.
struct fft_block {
  index_t first = 0;
  index_t count = 0;
  index_t mirror = 0;
};

/// All pairs of M points, M even: M / 2 + 1 of them, k = 0 and k = M / 2 with themselves.
[[nodiscard]] inline std::vector<fft_block> fft_blocks(index_t points) {
  const index_t q = fft_third(points);
  std::vector<fft_block> blocks{{0, 1, 0}, {1, 1, 1}};
  for (index_t first = 2; first < q; first *= 2) blocks.push_back({first, first / 2, 2 * first - 1});
  if (q != points) blocks.push_back({q, q, points - 1});
  return blocks;
}

/// exp(-2 pi i k / M).
struct fft_turn {
  double re = 1.0;
  double im = 0.0;
};
[[nodiscard]] inline fft_turn turn_of(index_t k, index_t points) {
  const double angle =
      2.0 * 3.14159265358979323846 * static_cast<double>(k % points) / static_cast<double>(points);
  return {std::cos(angle), -std::sin(angle)};
}

/// The factors of one size, rounded from double.
struct fft_tables {
  index_t points = 0;
  std::vector<fft_block> blocks = {};
  buffer<float> turns = {};       ///< by passes: w^j, w^2j of one by three, w^j, w^2j, w^3j of those by four
  buffer<float> pair_turns = {};  ///< w^k by pairs
};

[[nodiscard]] inline fft_tables make_fft_tables(index_t points) {
  const index_t q = fft_third(points);
  std::vector<float> turns;
  const auto add = [](std::vector<float>& to, fft_turn w) {
    to.push_back(static_cast<float>(w.re));
    to.push_back(static_cast<float>(w.im));
  };
  for (index_t j = 0; j < q && q != points; ++j) {
    for (index_t power = 1; power <= 2; ++power) add(turns, turn_of(power * j, points));
  }
  for (index_t m = q; m > 4; m /= 4) {
    for (index_t j = 0; j < m / 4; ++j) {
      for (index_t power = 1; power <= 3; ++power) add(turns, turn_of(power * j, m));
    }
  }
  std::vector<float> pairs;
  fft_tables tables{points, fft_blocks(points), {}, {}};
  for (const fft_block& block : tables.blocks) {
    for (index_t i = 0; i < block.count; ++i) {
      add(pairs, turn_of(fft_frequency(block.first + i, points), points));
    }
  }
  tables.turns = buffer<float>(static_cast<index_t>(turns.size()));
  tables.pair_turns = buffer<float>(static_cast<index_t>(pairs.size()));
  std::copy(turns.begin(), turns.end(), tables.turns.data());
  std::copy(pairs.begin(), pairs.end(), tables.pair_turns.data());
  return tables;
}

}  // namespace detail
DNALM_END_NAMESPACE
