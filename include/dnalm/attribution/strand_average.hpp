// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Maps of the reverse complement turned back, and the mean of both strands.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE

/// The map of the other strand at the places of this one: y(a, i) = x(comp a, L - 1 - i), comp A = T, C = G.
[[nodiscard]] inline nucleotide_map turned_map(const nucleotide_map& map) {
  nucleotide_map result = map;
  std::reverse(result.values.begin(), result.values.end());  // letter 3 - a, position L - 1 - i
  return result;
}

/// (m + turned_map(r)) / 2 of the map m of a sequence and the map r of its reverse complement. Called with
/// both exchanged it gives the turned map, bitwise: a sum of two numbers has no order. NaN where either is.
/// \throws error [dnalm.shape.851] maps of different lengths.
[[nodiscard]] inline nucleotide_map strand_average(const nucleotide_map& map, const nucleotide_map& reverse) {
  if (map.length != reverse.length) {
    throw error(error_kind::shape, 851, "maps of two strands differ in length",
                {.expected = std::to_string(map.length), .found = std::to_string(reverse.length)});
  }
  nucleotide_map result = turned_map(reverse);
  for (std::size_t i = 0; i < map.values.size(); ++i)
    result.values[i] = (map.values[i] + result.values[i]) / 2;
  return result;
}

/// The same of one number per position. \throws error [dnalm.shape.851] different lengths.
[[nodiscard]] inline std::vector<double> strand_average(std::span<const double> values,
                                                        std::span<const double> reverse) {
  if (values.size() != reverse.size()) {
    throw error(error_kind::shape, 851, "numbers of two strands differ in length",
                {.expected = std::to_string(values.size()), .found = std::to_string(reverse.size())});
  }
  std::vector<double> result(reverse.rbegin(), reverse.rend());
  for (std::size_t i = 0; i < values.size(); ++i) result[i] = (values[i] + result[i]) / 2;
  return result;
}

/// strand_average of what `method` gives for the sequences and for their reverse complements: `method` takes
/// a vector of sequences and returns maps, a fixed number per sequence. \throws what `method` throws; error
/// [dnalm.input.150] a letter without a complement.
template <class Method>
[[nodiscard]] std::vector<nucleotide_map> both_strands(const std::vector<std::string>& sequences,
                                                       const Method& method) {
  std::vector<std::string> turned;
  turned.reserve(sequences.size());
  for (const std::string& sequence : sequences) turned.push_back(reverse_complement(sequence));
  std::vector<nucleotide_map> result = method(sequences);
  const std::vector<nucleotide_map> others = method(turned);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = strand_average(result[i], others[i]);
  return result;
}

DNALM_END_NAMESPACE
