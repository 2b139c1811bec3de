// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What is made of a map of gradients: correction, values at the observed bases, first-order effects,
/// the other strand.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.shape.812].
inline void check_map_length(const nucleotide_map& map, index_t length) {
  if (map.length == length) return;
  throw error(error_kind::shape, 812, "a map that does not fit",
              {.expected = "4 x " + std::to_string(length), .found = "4 x " + std::to_string(map.length)});
}

}  // namespace detail

/// Gradient correction: y[a, i] = g[a, i] - 1/4 sum over b of g[b, i], the part of the gradient along changes
/// of one-hot columns, whose sum stays 1. To be applied before a product with the input, never after.
/// Source: Majdandzic, Rajesh, Koo, "Correcting gradient-based interpretations of deep neural networks for
/// genomics", Genome Biology 2023.
[[nodiscard]] inline nucleotide_map corrected(const nucleotide_map& gradient) {
  nucleotide_map result(gradient.length);
  for (index_t i = 0; i < gradient.length; ++i) {
    const double mean = ((gradient(0, i) + gradient(1, i)) + (gradient(2, i) + gradient(3, i))) / 4;
    for (index_t a = 0; a < 4; ++a) result(a, i) = gradient(a, i) - mean;
  }
  return result;
}

/// Input times map: y[a, i] = x[a, i] m[a, i], x the one-hot columns of `sequence`; N has a column of 0.
/// \throws error [dnalm.shape.812] a map of another length.
[[nodiscard]] inline nucleotide_map times_input(const nucleotide_map& map, std::string_view sequence) {
  detail::check_map_length(map, static_cast<index_t>(sequence.size()));
  nucleotide_map result(map.length);
  for (index_t i = 0; i < map.length; ++i) {
    const int code = base_code(sequence[static_cast<std::size_t>(i)]);
    if (code < 4) result(code, i) = map(code, i);
  }
  return result;
}

/// The values at the observed bases, (L); 0 at N. \throws error [dnalm.shape.812].
[[nodiscard]] inline std::vector<double> observed_values(const nucleotide_map& map,
                                                         std::string_view sequence) {
  detail::check_map_length(map, static_cast<index_t>(sequence.size()));
  std::vector<double> result(sequence.size(), 0.0);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const int code = base_code(sequence[i]);
    if (code < 4) result[i] = map(code, static_cast<index_t>(i));
  }
  return result;
}

/// First-order effects of substitutions: y[b, i] = g[b, i] - g[x_i, i], what the gradient says that f gains
/// when base i becomes b; 0 for the observed base and at N. Exact where f is affine in each column.
/// \throws error [dnalm.shape.812].
[[nodiscard]] inline nucleotide_map first_order_effects(const nucleotide_map& gradient,
                                                        std::string_view sequence) {
  detail::check_map_length(gradient, static_cast<index_t>(sequence.size()));
  nucleotide_map result(gradient.length);
  for (index_t i = 0; i < gradient.length; ++i) {
    const int code = base_code(sequence[static_cast<std::size_t>(i)]);
    for (index_t b = 0; code < 4 && b < 4; ++b) result(b, i) = gradient(b, i) - gradient(code, i);
  }
  return result;
}

/// A map of the other strand turned to this one: y[a, i] = m[comp a, L - 1 - i].
[[nodiscard]] inline nucleotide_map reverse_complement(const nucleotide_map& map) {
  nucleotide_map result(map.length);
  for (index_t a = 0; a < 4; ++a) {
    for (index_t i = 0; i < map.length; ++i) result(a, i) = map(3 - a, map.length - 1 - i);
  }
  return result;
}

/// 1/2 (m + m'), m' the map of the reverse complement turned back. The sum has no order: a sequence and its
/// reverse complement get the same bits, turned. \throws error [dnalm.shape.812].
[[nodiscard]] inline nucleotide_map strand_mean(const nucleotide_map& map, const nucleotide_map& other) {
  detail::check_map_length(other, map.length);
  nucleotide_map result = reverse_complement(other);
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = 0.5 * (map.values[i] + result.values[i]);
  }
  return result;
}

/// strand_mean of what `method` gives for the sequences and for their reverse complements: `method` takes a
/// vector of sequences and returns maps, a fixed number per sequence. \throws what `method` throws; error
/// [dnalm.input.150] a letter without a complement.
template <class Method>
[[nodiscard]] std::vector<nucleotide_map> both_strands(const std::vector<std::string>& sequences,
                                                       const Method& method) {
  std::vector<std::string> turned;
  turned.reserve(sequences.size());
  for (const std::string& sequence : sequences) turned.push_back(reverse_complement(sequence));
  std::vector<nucleotide_map> result = method(sequences);
  const std::vector<nucleotide_map> others = method(turned);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = strand_mean(result[i], others[i]);
  return result;
}

DNALM_END_NAMESPACE
