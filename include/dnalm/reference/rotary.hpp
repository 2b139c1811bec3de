// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rotary positions in double.
#pragma once

#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// reference_rotary with the angles multiplied by `sign`, 1 or -1.
inline void reference_rotation(const rotary_table<double>& table, const ragged_offsets& offsets,
                               index_t heads, double sign, matrix_view<double> x) {
  const index_t width = x.columns / heads;
  const index_t pairs = table.pairs();
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t p = 0; p < offsets.length(s); ++p) {
      for (index_t h = 0; h < heads; ++h) {
        for (index_t j = 0; j < pairs; ++j) {
          double& a = x(offsets.begin(s) + p, h * width + j);
          double& b = x(offsets.begin(s) + p, h * width + pairs + j);
          const double sine = sign * table.sine(p, j);
          const double first = a * table.cosine(p, j) - b * sine;
          b = b * table.cosine(p, j) + a * sine;
          a = first;
        }
      }
    }
  }
}

}  // namespace detail

/// Rotates the first 2P channels of every head of every row in place, half-split, P = table.pairs(): with p
/// the row's place in its sequence, y[j] = x[j] cos(p, j) - x[P + j] sin(p, j), y[P + j] = x[P + j] cos(p, j)
/// + x[j] sin(p, j), j < P; the other channels of the head stay.
///
/// x (R, D); 2P is at most the head's width, table.positions() at least the longest sequence.
inline void reference_rotary(const rotary_table<double>& table, const ragged_offsets& offsets, index_t heads,
                             matrix_view<double> x) {
  detail::reference_rotation(table, offsets, heads, 1.0, x);
}

/// The adjoint in place: the rotation by the opposite angles.
inline void reference_rotary_vjp(const rotary_table<double>& table, const ragged_offsets& offsets,
                                 index_t heads, matrix_view<double> y) {
  detail::reference_rotation(table, offsets, heads, -1.0, y);
}

DNALM_END_NAMESPACE
