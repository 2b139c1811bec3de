// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Cosines and sines of rotary angles, by position and channel pair.
#pragma once

#include <cmath>
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

  [[nodiscard]] index_t positions() const { return cosine.rows(); }
  /// Channel pairs that are rotated in every head: P, at most half the head's width.
  [[nodiscard]] index_t pairs() const { return cosine.columns(); }
};

/// Tables for positions [0, positions). The angle is a float32 product; its cosine and sine are taken in
/// double and rounded to T. Cost: positions x frequencies sine-cosine pairs.
template <class T>
[[nodiscard]] rotary_table<T> make_rotary_table(std::span<const float> frequencies, index_t positions) {
  const auto pairs = static_cast<index_t>(frequencies.size());
  rotary_table<T> table{matrix<T>(positions, pairs), matrix<T>(positions, pairs)};
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
