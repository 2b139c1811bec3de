// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Cosines and sines of rotary angles, by position and channel pair.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <span>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

/// cosine(p, j) = cos(theta), sine(p, j) = sin(theta), theta = float32(p) x frequency[j].
template <class T>
struct rotary_table {
  matrix<T> cosine = {};
  matrix<T> sine = {};
  /// Another number for every table that make_rotary_table made; 0: made otherwise. A backend that keeps
  /// copies elsewhere finds them by it, so a table with a number stays as it is.
  std::uint64_t identity = 0;

  [[nodiscard]] index_t positions() const { return cosine.rows(); }
  /// Channel pairs that are rotated in every head: P, at most half the head's width.
  [[nodiscard]] index_t pairs() const { return cosine.columns(); }
};

namespace detail {

/// 1, 2, 3, ...: another number for each call, from whatever thread. No result depends on it.
[[nodiscard]] inline std::uint64_t next_table_identity() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace detail

/// Tables for positions [0, positions). The angle is a float32 product; its cosine and sine are taken in
/// double and rounded to T. Cost: positions x frequencies sine-cosine pairs.
template <class T>
[[nodiscard]] rotary_table<T> make_rotary_table(std::span<const float> frequencies, index_t positions) {
  const auto pairs = static_cast<index_t>(frequencies.size());
  rotary_table<T> table{matrix<T>(positions, pairs), matrix<T>(positions, pairs),
                        detail::next_table_identity()};
  for (index_t p = 0; p < positions; ++p) {
    for (index_t j = 0; j < pairs; ++j) {
      const auto angle = static_cast<double>(rotary_angle(p, frequencies[static_cast<std::size_t>(j)]));
      table.cosine(p, j) = static_cast<T>(std::cos(angle));
      table.sine(p, j) = static_cast<T>(std::sin(angle));
    }
  }
  return table;
}

DNALM_END_NAMESPACE
