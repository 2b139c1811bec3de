// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What is made of a map of gradients: correction, values at the observed bases, first-order effects.
#pragma once

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

DNALM_END_NAMESPACE
