// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Whether the sequences of a run of dnalm-attribute have enough distinct dinucleotide shuffles.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>

#include <dnalm/core/types.hpp>
#include <dnalm/sequence/shuffle.hpp>
#include <support/name_list.hpp>
#include <support/plain_text.hpp>

namespace program {

/// How many distinct dinucleotide shuffles a sequence has, itself included; infinite beyond double's range.
[[nodiscard]] inline double distinct_shuffles(std::string_view sequence) {
  const dnalm::shuffle_number number = dnalm::sequence_shuffler(sequence).number();
  return number.exact ? static_cast<double>(*number.exact) : std::exp(number.log);
}

[[nodiscard]] inline std::string shuffles_text(double number) {
  return std::isinf(number) ? "more than 1e+308" : number < 1e6 ? number_text(number) : short_text(number);
}

/// Counts the sequences with fewer than ten times as many distinct shuffles as are taken of them.
class shuffle_tally {
 public:
  void add(const std::string& name, double distinct, dnalm::index_t taken) {
    ++rows_;
    fewest_ = std::min(fewest_, distinct);
    if (distinct >= 10 * static_cast<double>(taken)) return;
    ++few_;
    names_.add(name + ": " + shuffles_text(distinct) + " for " + std::to_string(taken));
  }

  [[nodiscard]] std::string words() const {
    return "at least " + shuffles_text(fewest_) + " of a sequence, itself included; of " +
           std::to_string(few_) + " of " + std::to_string(rows_) +
           " sequences fewer than ten times as many as are taken";
  }

  void tell() const {
    if (few_ == 0) return;
    std::fprintf(stderr,
                 "dnalm-attribute: %lld of %lld sequences have fewer than ten times as many distinct "
                 "dinucleotide shuffles as are taken (%s); another --baseline or --background may help\n",
                 static_cast<long long>(few_), static_cast<long long>(rows_), names_.text().c_str());
  }

 private:
  dnalm::index_t rows_ = 0;
  dnalm::index_t few_ = 0;
  double fewest_ = std::numeric_limits<double>::infinity();
  name_list names_{120};
};

}  // namespace program
