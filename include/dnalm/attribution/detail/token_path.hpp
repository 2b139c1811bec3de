// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Multipliers by nucleotides of those by words' rows: the mean gradient of the multilinear extension
/// on the way from a reference to the sequence.
#pragma once

#include <array>
#include <span>

#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A point of a quadrature over [0, 1].
struct path_point {
  double at;
  double weight;
};

/// Gauss and Legendre's points, 1 to 4 of them; n are exact for polynomials of degree 2 n - 1.
[[nodiscard]] inline std::span<const path_point> path_points(int n) {
  static constexpr std::array<path_point, 1> one = {{{0.5, 1.0}}};
  static constexpr std::array<path_point, 2> two = {
      {{0.21132486540518711775, 0.5}, {0.78867513459481288225, 0.5}}};
  static constexpr std::array<path_point, 3> three = {
      {{0.11270166537925831148, 5.0 / 18.0}, {0.5, 8.0 / 18.0}, {0.88729833462074168852, 5.0 / 18.0}}};
  static constexpr std::array<path_point, 4> four = {{{0.06943184420297371239, 0.17392742256872692869},
                                                      {0.33000947820757186760, 0.32607257743127307131},
                                                      {0.66999052179242813240, 0.32607257743127307131},
                                                      {0.93056815579702628761, 0.17392742256872692869}}};
  switch (n) {
    case 1: return one;
    case 2: return two;
    case 3: return three;
    default: return four;
  }
}

/// r + t (x - r).
[[nodiscard]] inline nucleotide_weights between(const nucleotide_weights& x, const nucleotide_weights& r,
                                                double t) {
  nucleotide_weights mixed = r;
  for (std::size_t i = 0; i < mixed.letters.values.size(); ++i) {
    mixed.letters.values[i] += t * (x.letters.values[i] - r.letters.values[i]);
  }
  for (double& q : mixed.rest) q *= 1.0 - t;
  return mixed;
}

/// m with sum of m (x - r) = sum of words (row of x - row of r): the rows are polynomials of degree k in t,
/// k the bases of a token, whose derivative k / 2 points integrate exactly.
[[nodiscard]] inline nucleotide_weights nucleotide_multipliers(
    const nucleotide_input& input, const nucleotide_layout& layout, const nucleotide_weights& x,
    const nucleotide_weights& r, matrix_view<const float> words, matrix_view<const float> tokens) {
  nucleotide_weights sum = {.letters = nucleotide_map(layout.length), .reference_token = r.reference_token};
  sum.rest.resize(r.rest.size());
  for (const path_point& point : path_points((input.token_letters() + 1) / 2)) {
    nucleotide_weights found;
    input.gradient(layout, between(x, r, point.at), words, tokens, found);
    for (std::size_t i = 0; i < sum.letters.values.size(); ++i) {
      sum.letters.values[i] += point.weight * found.letters.values[i];
    }
    for (std::size_t i = 0; i < sum.rest.size(); ++i) sum.rest[i] += point.weight * found.rest[i];
  }
  return sum;
}

}  // namespace detail
DNALM_END_NAMESPACE
