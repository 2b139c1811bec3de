// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rotary positions in double.
#pragma once

#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Rotates every head of every row in place, half-split: with p the row's place in its sequence and K the
/// head's width, y[j] = x[j] cos(p, j) - x[j + K/2] sin(p, j), y[j + K/2] = x[j + K/2] cos(p, j) + x[j]
/// sin(p, j). x (R, D); table.positions() is at least the longest sequence.
inline void reference_rotary(const rotary_table<double>& table, const ragged_offsets& offsets, index_t heads,
                             matrix_view<double> x) {
  const index_t width = x.columns / heads;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t p = 0; p < offsets.length(s); ++p) {
      for (index_t h = 0; h < heads; ++h) {
        for (index_t j = 0; j < width / 2; ++j) {
          double& a = x(offsets.begin(s) + p, h * width + j);
          double& b = x(offsets.begin(s) + p, h * width + width / 2 + j);
          const double first = a * table.cosine(p, j) - b * table.sine(p, j);
          b = b * table.cosine(p, j) + a * table.sine(p, j);
          a = first;
        }
      }
    }
  }
}
// adjoint: the rotation by the opposite angle (a flag of this function)

DNALM_END_NAMESPACE
