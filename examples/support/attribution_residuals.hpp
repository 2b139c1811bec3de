// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief By how much DeepLIFT misses its sum at each hidden state, over the sequences of a run.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/report/attribution_page.hpp>
#include <support/plain_text.hpp>

namespace program {

/// The largest residuals of a run by hidden state.
class residual_tally {
 public:
  void add(const dnalm::attribution_row& row) {
    largest_.resize(row.residuals.size(), 0.0);
    names_.resize(largest_.size(), row.name);
    for (std::size_t k = 0; k < largest_.size(); ++k) {
      if (!(std::abs(row.residuals[k]) > largest_[k])) continue;
      largest_[k] = std::abs(row.residuals[k]);
      names_[k] = row.name;
    }
  }

  [[nodiscard]] dnalm::report::page_table page_table() const {
    dnalm::report::page_table table;
    table.title = whole() ? "Completeness of the network as a whole" : "Completeness by hidden state";
    table.explanation = explanation();
    table.columns = {"hidden state", "largest |residual|", "sequence"};
    for (std::size_t k = 0; k < largest_.size(); ++k) {
      table.rows.push_back({std::to_string(k), short_text(largest_[k]), names_[k]});
    }
    return table;
  }

 private:
  /// Whether state 0 is all that there is: of networks of layers, or of a target that reads this state.
  [[nodiscard]] bool whole() const { return largest_.size() == 1; }
  [[nodiscard]] std::string explanation() const {
    if (whole()) {
      return "The residual is the sum of multipliers times differences at the input (hidden state 0) less "
             "f(x) - f(reference): what all layers up to the target lose together. Of a network of layers "
             "there is none by layer: branches go past its hidden states, so that the output does not depend "
             "on one of them alone.";
    }
    return "A residual is the sum of multipliers times differences at a hidden state less f(x) - "
           "f(reference). Where it grows from one state to the one before, the layer between them loses a "
           "part of the difference.";
  }

  std::vector<double> largest_ = {};
  std::vector<std::string> names_ = {};
};

}  // namespace program
