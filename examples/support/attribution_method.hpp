// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a method of dnalm-attribute gives: rows of results, and how they are read.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/sequence_record.hpp>
#include <dnalm/sequence/alphabet.hpp>

namespace program {

/// What of a result stands for a base.
enum class map_reading {
  observed,  ///< the number of the observed letter
  sum,       ///< the sum over the letters: contributions that were shared out among them
  mean,      ///< the mean over the letters that do not stand there
  entropy    ///< the entropy of the prediction
};

/// One number a base of a row.
[[nodiscard]] inline std::vector<double> numbers_of_bases(const dnalm::attribution_row& row,
                                                          map_reading reading) {
  if (reading == map_reading::entropy) return row.entropy;
  std::vector<double> numbers(row.sequence.size(), 0.0);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const int observed = dnalm::base_code(row.sequence[i]);
    for (int letter = 0; letter < 4; ++letter) {
      const double value = row.attributions(letter, static_cast<dnalm::index_t>(i));
      if (reading == map_reading::sum || (reading == map_reading::observed && letter == observed)) {
        numbers[i] += value;
      } else if (reading == map_reading::mean && letter != observed) {
        numbers[i] += value / (observed < 4 ? 3 : 4);
      }
    }
  }
  return numbers;
}

/// One number a base, at the letter that stands there.
[[nodiscard]] inline dnalm::nucleotide_map observed_map(const std::string& sequence,
                                                        const std::vector<double>& numbers) {
  dnalm::nucleotide_map map = dnalm::one_hot_map(sequence);
  for (dnalm::index_t i = 0; i < map.length; ++i) {
    for (dnalm::index_t a = 0; a < 4; ++a) map(a, i) *= numbers[static_cast<std::size_t>(i)];
  }
  return map;
}

/// A method, ready to run.
struct attribution_method {
  /// Numbers of records follow one another.
  std::function<std::vector<dnalm::attribution_row>(std::span<const dnalm::io::sequence_record>)> rows = {};
  dnalm::attribution_members members = {};
  map_reading reading = map_reading::observed;
  std::string explanation = {};
  std::string unit = {};     ///< what the numbers of a drawing are
  std::string subject = {};  ///< the method, and the target if it explains one
  std::map<std::string, std::string> conventions = {};
};

namespace detail {

using rows_of = std::vector<dnalm::attribution_row>;
using records_view = std::span<const dnalm::io::sequence_record>;

[[nodiscard]] inline std::vector<std::string> letters_of(records_view records) {
  std::vector<std::string> sequences;
  for (const auto& record : records) sequences.push_back(record.sequence);
  return sequences;
}

/// Puts numbers in the place of those that they exceed in size.
inline void larger_in_size(std::vector<double>& largest, const std::vector<double>& numbers) {
  if (largest.empty()) largest.assign(numbers.size(), 0.0);
  for (std::size_t k = 0; k < largest.size(); ++k) {
    if (std::abs(numbers[k]) > std::abs(largest[k])) largest[k] = numbers[k];
  }
}

}  // namespace detail
}  // namespace program
