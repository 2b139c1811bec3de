// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief By how much DeepLIFT misses its sum at each hidden state, over the sequences of a run.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/report/attribution_page.hpp>
#include <support/plain_text.hpp>

namespace program {

/// Gathers the residuals of rows by hidden state.
class residual_tally {
 public:
  void add(const dnalm::attribution_row& row) {
    states_.resize(row.residuals.size());
    for (std::size_t k = 0; k < states_.size(); ++k) {
      const double size = std::abs(row.residuals[k]);
      states_[k].sum += size;
      if (rows_ > 0 && !(size > states_[k].largest)) continue;
      states_[k].largest = size;
      states_[k].name = row.name;
    }
    ++rows_;
  }

  [[nodiscard]] dnalm::report::page_table page_table() const {
    dnalm::report::page_table table;
    table.title = "Completeness by hidden state";
    table.explanation =
        "A residual is the sum of multipliers times differences at a hidden state less f(x) - f(reference), "
        "of a "
        "sequence the largest of its references. Where it grows from one state to the one before, the layer "
        "between them loses a part of the difference.";
    table.columns = {"hidden state", "largest |residual|", "mean |residual|", "largest at"};
    for (std::size_t k = 0; k < states_.size(); ++k) {
      table.rows.push_back({std::to_string(k), short_text(states_[k].largest),
                            short_text(states_[k].sum / static_cast<double>(rows_)), states_[k].name});
    }
    return table;
  }

 private:
  struct state {
    double sum = 0;
    double largest = 0;
    std::string name = {};
  };

  std::vector<state> states_ = {};
  dnalm::index_t rows_ = 0;
};

}  // namespace program
