// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How alike two maps of a sequence are: Pearson's and Spearman's correlation.
#pragma once

#include <cmath>
#include <span>
#include <string_view>
#include <vector>

#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/metrics/correlation.hpp>

DNALM_BEGIN_NAMESPACE

/// NaN where one of the maps is constant, or fewer than two bases are left.
struct map_similarity {
  double pearson = 0;
  double spearman = 0;
};

/// What of a value is compared.
enum class map_values {
  signed_values,  ///< as they are
  sizes           ///< their absolute values, as the study does
};

/// Two rows of numbers by base (observed values, entropies, scores spread over bases), N left out.
/// \throws error [dnalm.shape.812] a row of another length than the sequence.
[[nodiscard]] inline map_similarity compare_rows(std::span<const double> a, std::span<const double> b,
                                                 std::string_view sequence,
                                                 map_values values = map_values::signed_values) {
  if (a.size() != sequence.size() || b.size() != sequence.size()) {
    throw error(error_kind::shape, 812, "maps that do not fit the sequence",
                {.expected = std::to_string(sequence.size()),
                 .found = std::to_string(a.size()) + " and " + std::to_string(b.size())});
  }
  std::vector<double> first;
  std::vector<double> second;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (base_code(sequence[i]) > 3) continue;
    const bool sizes = values == map_values::sizes;
    first.push_back(sizes ? std::abs(a[i]) : a[i]);
    second.push_back(sizes ? std::abs(b[i]) : b[i]);
  }
  return {metrics::pearson(first, second), metrics::spearman(first, second)};
}

/// Two maps (4, L): all four values of each base but N. \throws as compare_rows.
[[nodiscard]] inline map_similarity compare_maps(const nucleotide_map& a, const nucleotide_map& b,
                                                 std::string_view sequence,
                                                 map_values values = map_values::signed_values) {
  detail::check_map_length(a, static_cast<index_t>(sequence.size()));
  detail::check_map_length(b, static_cast<index_t>(sequence.size()));
  std::string letters;
  for (int row = 0; row < 4; ++row) letters += sequence;
  return compare_rows(a.values, b.values, letters, values);
}

DNALM_END_NAMESPACE
