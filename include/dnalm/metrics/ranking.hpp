// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief AUROC and AUPRC, exact with ties.
#pragma once

#include <limits>
#include <span>
#include <string>

#include <dnalm/metrics/checks.hpp>
#include <dnalm/metrics/counts.hpp>
#include <dnalm/metrics/value_order.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

namespace detail {

/// \throws error [dnalm.input.503] for a label other than 0 and 1.
inline void check_binary(std::span<const double> labels, const char* metric) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == 0 || labels[i] == 1) continue;
    throw error(error_kind::input, 503, "a label is neither 0 nor 1",
                {.where = metric,
                 .expected = "0 or 1",
                 .found = std::to_string(labels[i]) + " at position " + std::to_string(i)});
  }
}

/// Counted positives and negatives of a run of rows in an order.
struct class_counts {
  index_t positive = 0;
  index_t negative = 0;
};

[[nodiscard]] inline class_counts count_run(const value_order& order, index_t begin, index_t end,
                                            std::span<const double> labels, row_counts counts) {
  class_counts run;
  for (index_t i = begin; i < end; ++i) {
    const index_t row = order.rows[static_cast<std::size_t>(i)];
    const index_t count = count_of(counts, row);
    (labels[static_cast<std::size_t>(row)] == 1 ? run.positive : run.negative) += count;
  }
  return run;
}

/// AUROC from presorted scores: twice the rank statistic is a whole number, so the only rounding is one
/// division. NaN when a class has no row.
[[nodiscard]] inline double counted_auroc(const value_order& order, std::span<const double> labels,
                                          row_counts counts) {
  class_counts below;
  double twice_wins = 0;
  index_t begin = 0;
  for (const index_t end : order.ends) {
    const auto run = count_run(order, begin, end, labels, counts);
    twice_wins += static_cast<double>(run.positive) * static_cast<double>(2 * below.negative + run.negative);
    below.positive += run.positive;
    below.negative += run.negative;
    begin = end;
  }
  if (below.positive == 0 || below.negative == 0) return std::numeric_limits<double>::quiet_NaN();
  return twice_wins / (2.0 * static_cast<double>(below.positive) * static_cast<double>(below.negative));
}

/// Average precision from presorted scores, from the highest threshold down. NaN without positives.
[[nodiscard]] inline double counted_auprc(const value_order& order, std::span<const double> labels,
                                          row_counts counts) {
  class_counts above;
  double sum = 0;
  for (std::size_t r = order.ends.size(); r-- > 0;) {
    const index_t begin = r == 0 ? 0 : order.ends[r - 1];
    const auto run = count_run(order, begin, order.ends[r], labels, counts);
    above.positive += run.positive;
    above.negative += run.negative;
    if (run.positive == 0) continue;
    sum += static_cast<double>(run.positive) * static_cast<double>(above.positive) /
           static_cast<double>(above.positive + above.negative);
  }
  if (above.positive == 0) return std::numeric_limits<double>::quiet_NaN();
  return sum / static_cast<double>(above.positive);
}

/// \throws error [dnalm.input.502]: the metric is not defined for these labels.
[[noreturn]] inline void throw_one_class(const char* metric, const char* expected) {
  throw error(error_kind::input, 502, "the metric is undefined: a class has no row",
              {.where = metric, .expected = expected, .found = "labels of one class"});
}

}  // namespace detail

/// Area under the ROC curve: (pairs with s+ > s-, plus half of those with s+ = s-) / (n+ n-).
///
/// Labels are 0 or 1. Bitwise the same for any order of the rows.
/// \throws error [dnalm.shape.500], [dnalm.numeric.501], [dnalm.input.502] when a class has no row,
/// [dnalm.input.503]. Cost: O(n log n).
[[nodiscard]] inline double auroc(std::span<const double> labels, std::span<const double> scores) {
  check_same_length(labels, scores, "auroc");
  detail::check_binary(labels, "auroc");
  check_no_nan(scores, "auroc");
  const double area = detail::counted_auroc(order_by_value(scores), labels, {});
  if (std::isnan(area)) detail::throw_one_class("auroc", "at least one positive and one negative");
  return area;
}

/// Area under the precision-recall curve as average precision: sum over distinct scores, from the highest, of
/// (R_k - R_{k-1}) P_k (a step function, no interpolation).
///
/// Labels are 0 or 1. \throws as auroc; here only positives are needed. Cost: O(n log n).
[[nodiscard]] inline double auprc(std::span<const double> labels, std::span<const double> scores) {
  check_same_length(labels, scores, "auprc");
  detail::check_binary(labels, "auprc");
  check_no_nan(scores, "auprc");
  const double area = detail::counted_auprc(order_by_value(scores), labels, {});
  if (std::isnan(area)) detail::throw_one_class("auprc", "at least one positive");
  return area;
}

}  // namespace metrics

DNALM_END_NAMESPACE
