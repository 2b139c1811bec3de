// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of metrics/score_table.hpp.
#pragma once

#include <cmath>
#include <limits>

#include <dnalm/metrics/confusion.hpp>
#include <dnalm/metrics/correlation.hpp>
#include <dnalm/metrics/error_size.hpp>
#include <dnalm/metrics/ranking.hpp>
#include <dnalm/metrics/score_table.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

namespace detail {

/// Scores of the sample itself and the intervals of its resamples, under their names.
[[nodiscard]] inline std::vector<score> with_intervals(const std::vector<std::string>& names,
                                                       std::span<const index_t> clusters,
                                                       const bootstrap_options& options,
                                                       const resample_scorer& scorer) {
  const auto metrics = static_cast<index_t>(names.size());
  std::vector<double> values(names.size());
  scorer({}, values);
  const auto intervals = bootstrap_intervals(options, clusters, metrics, scorer);
  std::vector<score> scores;
  for (std::size_t m = 0; m < names.size(); ++m) {
    scores.push_back({names[m], values[m], intervals[m].low, intervals[m].high});
  }
  return scores;
}

inline void check_clusters(std::size_t rows, std::size_t clusters) {
  if (rows == clusters) return;
  throw error(error_kind::shape, 500, "bootstrap clusters do not fit the rows",
              {.expected = std::to_string(rows) + " cluster numbers", .found = std::to_string(clusters)});
}

inline void check_class_numbers(std::span<const index_t> labels, index_t classes) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && labels[i] < classes) continue;
    throw error(error_kind::input, 503, "a class number is out of range",
                {.where = "multiclass scores",
                 .expected = "0.." + std::to_string(classes - 1),
                 .found = std::to_string(labels[i]) + " at position " + std::to_string(i)});
  }
}

/// One class against the rest, presorted.
struct one_vs_rest {
  std::vector<double> labels;
  value_order order;
};

[[nodiscard]] inline std::vector<one_vs_rest> split_classes(std::span<const index_t> labels,
                                                            matrix_view<const double> scores) {
  std::vector<one_vs_rest> classes(static_cast<std::size_t>(scores.columns));
  std::vector<double> column(labels.size());
  for (index_t k = 0; k < scores.columns; ++k) {
    auto& entry = classes[static_cast<std::size_t>(k)];
    for (std::size_t i = 0; i < labels.size(); ++i) {
      column[i] = scores(static_cast<index_t>(i), k);
      entry.labels.push_back(labels[i] == k ? 1.0 : 0.0);
    }
    check_no_nan(column, "multiclass scores");
    entry.order = order_by_value(column);
  }
  return classes;
}

[[nodiscard]] inline std::vector<index_t> first_largest(matrix_view<const double> scores) {
  std::vector<index_t> largest(static_cast<std::size_t>(scores.rows), 0);
  for (index_t i = 0; i < scores.rows; ++i) {
    for (index_t k = 1; k < scores.columns; ++k) {
      auto& best = largest[static_cast<std::size_t>(i)];
      if (scores(i, k) > scores(i, best)) best = k;
    }
  }
  return largest;
}

/// Mean AUROC and AUPRC over the classes for which AUROC is defined; NaN when there is none.
inline void macro_areas(const std::vector<one_vs_rest>& classes, row_counts counts, double& auroc,
                        double& auprc) {
  double defined = 0;
  auroc = 0;
  auprc = 0;
  for (const auto& entry : classes) {
    const double area = counted_auroc(entry.order, entry.labels, counts);
    if (std::isnan(area)) continue;
    auroc += area;
    auprc += counted_auprc(entry.order, entry.labels, counts);
    defined += 1;
  }
  if (defined == 0) defined = std::numeric_limits<double>::quiet_NaN();
  auroc /= defined;
  auprc /= defined;
}

}  // namespace detail

DNALM_INLINE std::vector<score> regression_scores(std::span<const double> labels,
                                                  std::span<const double> predicted,
                                                  std::span<const index_t> clusters,
                                                  const bootstrap_options& options) {
  check_same_length(labels, predicted, "regression scores");
  detail::check_clusters(labels.size(), clusters.size());
  check_no_nan(labels, "regression scores");
  check_no_nan(predicted, "regression scores");
  const auto label_order = order_by_value(labels);
  const auto predicted_order = order_by_value(predicted);
  std::vector<double> rank_labels(labels.size());
  std::vector<double> rank_predicted(labels.size());
  const auto scorer = [&](row_counts counts, std::span<double> out) {
    out[0] = detail::counted_pearson(labels, predicted, counts);
    out[1] = detail::counted_spearman(label_order, predicted_order, counts, rank_labels, rank_predicted);
    out[2] = detail::counted_r2(labels, predicted, counts);
    out[3] = detail::counted_mse(labels, predicted, counts);
  };
  return detail::with_intervals({"pearson", "spearman", "r2", "mse"}, clusters, options, scorer);
}

DNALM_INLINE std::vector<score> binary_scores(std::span<const double> labels, std::span<const double> scores,
                                              std::span<const index_t> clusters,
                                              const bootstrap_options& options, double threshold) {
  check_same_length(labels, scores, "binary scores");
  detail::check_clusters(labels.size(), clusters.size());
  detail::check_binary(labels, "binary scores");
  check_no_nan(scores, "binary scores");
  const auto order = order_by_value(scores);
  if (std::isnan(detail::counted_auroc(order, labels, {}))) {
    detail::throw_one_class("binary scores", "at least one positive and one negative");
  }
  std::vector<index_t> truth;
  std::vector<index_t> predicted;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    truth.push_back(labels[i] == 1 ? 1 : 0);
    predicted.push_back(scores[i] >= threshold ? 1 : 0);
  }
  const auto scorer = [&](row_counts counts, std::span<double> out) {
    const auto matrix = count_confusion(truth, predicted, 2, counts);
    out[0] = detail::counted_auroc(order, labels, counts);
    out[1] = detail::counted_auprc(order, labels, counts);
    out[2] = accuracy(matrix);
    out[3] = mcc(matrix);
    out[4] = f1(matrix);
  };
  return detail::with_intervals({"auroc", "auprc", "accuracy", "mcc", "f1"}, clusters, options, scorer);
}

DNALM_INLINE std::vector<score> multiclass_scores(std::span<const index_t> labels,
                                                  matrix_view<const double> scores,
                                                  std::span<const index_t> clusters,
                                                  const bootstrap_options& options) {
  if (static_cast<index_t>(labels.size()) != scores.rows || labels.empty() || scores.columns < 2) {
    throw error(error_kind::shape, 500, "class scores do not fit the labels",
                {.where = "multiclass scores",
                 .expected = std::to_string(labels.size()) + " rows (at least 1), at least 2 classes",
                 .found = std::to_string(scores.rows) + " x " + std::to_string(scores.columns)});
  }
  detail::check_clusters(labels.size(), clusters.size());
  detail::check_class_numbers(labels, scores.columns);
  const auto classes = detail::split_classes(labels, scores);
  const auto predicted = detail::first_largest(scores);
  const auto scorer = [&](row_counts counts, std::span<double> out) {
    detail::macro_areas(classes, counts, out[0], out[1]);
    const auto matrix = count_confusion(labels, predicted, scores.columns, counts);
    out[2] = accuracy(matrix);
    out[3] = mcc(matrix);
    out[4] = f1_macro(matrix);
  };
  auto table = detail::with_intervals({"auroc", "auprc", "accuracy", "mcc", "f1"}, clusters, options, scorer);
  if (std::isnan(table[0].value)) {
    detail::throw_one_class("multiclass scores", "rows of at least two classes");
  }
  return table;
}

}  // namespace metrics

DNALM_END_NAMESPACE
