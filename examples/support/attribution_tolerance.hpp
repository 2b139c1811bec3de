// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Whether the integrals of a run of dnalm-attribute came as near as was asked for.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/core/types.hpp>
#include <support/name_list.hpp>
#include <support/plain_text.hpp>

namespace program {

/// Counts the rows within the tolerance.
class tolerance_tally {
 public:
  void add(const dnalm::attribution_row& row) {
    ++rows_;
    nodes_ = std::max(nodes_, row.nodes);
    if (row.within_tolerance) return;
    ++missed_;
    largest_ = std::max(largest_, std::abs(row.convergence_delta));
    names_.add(row.name);
  }

  /// `met by 3 of 3 sequences`, and how far off the others are.
  [[nodiscard]] std::string words() const {
    std::string text = "met by " + std::to_string(rows_ - missed_) + " of " + std::to_string(rows_) +
                       " sequences, with up to " + std::to_string(nodes_) + " nodes";
    if (missed_ > 0) text += "; largest |convergence_delta| of the others " + short_text(largest_);
    return text;
  }

  /// A line on stderr where the tolerance was missed.
  void tell(double tolerance) const {
    if (missed_ == 0) return;
    std::fprintf(
        stderr,
        "dnalm-attribute: the integral of %lld of %lld sequences misses the tolerance %s with up to "
        "%lld nodes, |convergence_delta| up to %s (%s); more --most-nodes or another --baseline may help\n",
        static_cast<long long>(missed_), static_cast<long long>(rows_), short_text(tolerance).c_str(),
        static_cast<long long>(nodes_), short_text(largest_).c_str(), names_.text().c_str());
  }

 private:
  dnalm::index_t rows_ = 0;
  dnalm::index_t missed_ = 0;
  dnalm::index_t nodes_ = 0;
  double largest_ = 0;
  name_list names_{80};
};

}  // namespace program
