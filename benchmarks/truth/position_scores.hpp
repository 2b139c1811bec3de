// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How well numbers of bases tell the bases of planted motifs from all others.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/metrics/bootstrap.hpp>
#include <dnalm/metrics/ranking.hpp>

#include "planted_sequences.hpp"

namespace dnalm_bench {

/// A value and its bootstrap interval.
struct bounded_score {
  double value = 0;
  dnalm::metrics::interval interval = {};
};

/// Scores of sizes |number|. Planted are the bases of the motifs that count; a motif that does not count is
/// among the others.
struct position_scores {
  bounded_score auroc = {};           ///< all bases of all sequences together
  bounded_score auprc = {};           ///< the same, average precision
  bounded_score sequence_auroc = {};  ///< the mean of every sequence's own
  bounded_score sequence_auprc = {};
  double decoy_auroc =
      0;  ///< pooled: bases of the motifs that count against those of the motif that does not
  double moved_auroc = 0;  ///< pooled: with the places of the next sequence, a control that knows nothing
  double share = 0;        ///< of planted bases: the AUPRC of numbers that know nothing
};

/// Scores numbers of sequences of one length.
class position_scorer {
 public:
  /// The first `counting` filters count; `width` bases each.
  position_scorer(const std::vector<planted_sequence>& sequences, index_t counting, index_t width) {
    for (std::size_t n = 0; n < sequences.size(); ++n) {
      const std::vector<double> own = planted_bases(sequences[n], counting, width);
      const std::vector<double> any = planted_bases(sequences[n], counting + 1000, width);
      const std::vector<double> next = planted_bases(sequences[(n + 1) % sequences.size()], counting, width);
      length_ = own.size();
      planted_.insert(planted_.end(), own.begin(), own.end());
      moved_.insert(moved_.end(), next.begin(), next.end());
      for (std::size_t i = 0; i < own.size(); ++i) {
        if (any[i] == 1) sites_.push_back(n * length_ + i);
        clusters_.push_back(static_cast<index_t>(n));
      }
    }
  }

  [[nodiscard]] position_scores score(const std::vector<std::vector<double>>& numbers,
                                      const dnalm::metrics::bootstrap_options& options) const {
    std::vector<double> sizes;
    for (const std::vector<double>& row : numbers) {
      for (const double number : row) sizes.push_back(std::abs(number));
    }
    const std::size_t sequences = numbers.size();
    std::vector<double> own_auroc;
    std::vector<double> own_auprc;
    for (std::size_t n = 0; n < sequences; ++n) {
      const auto labels = std::span(planted_).subspan(n * length_, length_);
      const auto row = std::span<const double>(sizes).subspan(n * length_, length_);
      own_auroc.push_back(dnalm::metrics::auroc(labels, row));
      own_auprc.push_back(dnalm::metrics::auprc(labels, row));
    }
    const auto order = dnalm::metrics::order_by_value(sizes);
    const auto all_scores = [&](dnalm::metrics::row_counts counts, std::span<double> scores) {
      scores[0] = dnalm::metrics::detail::counted_auroc(order, planted_, counts);
      scores[1] = dnalm::metrics::detail::counted_auprc(order, planted_, counts);
      scores[2] = mean(own_auroc, counts);
      scores[3] = mean(own_auprc, counts);
    };
    std::vector<double> values(4);
    all_scores({}, values);
    const auto intervals = dnalm::metrics::bootstrap_intervals(options, clusters_, 4, all_scores);
    position_scores found{.auroc = {values[0], intervals[0]},
                          .auprc = {values[1], intervals[1]},
                          .sequence_auroc = {values[2], intervals[2]},
                          .sequence_auprc = {values[3], intervals[3]}};
    found.decoy_auroc = among_sites(sizes);
    found.moved_auroc = dnalm::metrics::auroc(moved_, sizes);
    for (const double label : planted_) found.share += label / static_cast<double>(planted_.size());
    return found;
  }

 private:
  /// Rows of a sequence all count as often as its first.
  [[nodiscard]] double mean(const std::vector<double>& values, dnalm::metrics::row_counts counts) const {
    double sum = 0;
    double all = 0;
    for (std::size_t n = 0; n < values.size(); ++n) {
      const double count = counts.empty() ? 1.0 : static_cast<double>(counts[n * length_]);
      sum += count * values[n];
      all += count;
    }
    return sum / all;
  }
  /// NaN where every site counts.
  [[nodiscard]] double among_sites(const std::vector<double>& sizes) const {
    std::vector<double> labels;
    std::vector<double> of_sites;
    for (const std::size_t row : sites_) {
      labels.push_back(planted_[row]);
      of_sites.push_back(sizes[row]);
    }
    return dnalm::metrics::detail::counted_auroc(dnalm::metrics::order_by_value(of_sites), labels, {});
  }

  std::size_t length_ = 0;
  std::vector<double> planted_;
  std::vector<double> moved_;
  std::vector<index_t> clusters_;
  std::vector<std::size_t> sites_;  // rows within any instance
};

}  // namespace dnalm_bench
