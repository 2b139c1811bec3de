// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Multipliers by nucleotides of those by words' rows: the mean gradient of the multilinear extension
/// on the way from a reference to the sequence.
#pragma once

#include <cstddef>

#include <dnalm/attribution/detail/gauss_legendre.hpp>
#include <dnalm/attribution/detail/weights_between.hpp>
#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// m with sum of m (x - r) = sum of words (row of x - row of r): the rows are polynomials of degree k in t,
/// k the bases of a token, whose derivative k / 2 points integrate exactly.
[[nodiscard]] inline nucleotide_weights nucleotide_multipliers(
    const nucleotide_input& input, const nucleotide_layout& layout, const nucleotide_weights& x,
    const nucleotide_weights& r, matrix_view<const float> words, matrix_view<const float> tokens) {
  nucleotide_weights sum = {.letters = nucleotide_map(layout.length), .reference_token = r.reference_token};
  sum.rest.resize(r.rest.size());
  const quadrature rule = gauss_legendre((input.token_letters() + 1) / 2);
  for (std::size_t n = 0; n < rule.nodes.size(); ++n) {
    nucleotide_weights found;
    input.gradient(layout, weights_between(x.letters, r, rule.nodes[n]), words, tokens, found);
    for (std::size_t i = 0; i < sum.letters.values.size(); ++i) {
      sum.letters.values[i] += rule.weights[n] * found.letters.values[i];
    }
    for (std::size_t i = 0; i < sum.rest.size(); ++i) sum.rest[i] += rule.weights[n] * found.rest[i];
  }
  return sum;
}

}  // namespace detail
DNALM_END_NAMESPACE
