// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Confusion matrices and what is read from them: accuracy, Matthews correlation, F1.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <dnalm/metrics/checks.hpp>
#include <dnalm/metrics/counts.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

/// `cells[k * classes + l]`: how many rows of class k were predicted as class l.
struct confusion_matrix {
  index_t classes = 0;
  std::vector<index_t> cells;

  [[nodiscard]] index_t operator()(index_t truth, index_t predicted) const {
    return cells[static_cast<std::size_t>(truth * classes + predicted)];
  }
};

/// Adds rows to a confusion matrix; `truth` and `predicted` hold class numbers in [0, classes).
[[nodiscard]] inline confusion_matrix count_confusion(std::span<const index_t> truth,
                                                      std::span<const index_t> predicted, index_t classes,
                                                      row_counts counts = {}) {
  confusion_matrix matrix{classes, std::vector<index_t>(static_cast<std::size_t>(classes * classes), 0)};
  for (std::size_t i = 0; i < truth.size(); ++i) {
    matrix.cells[static_cast<std::size_t>(truth[i] * classes + predicted[i])] +=
        detail::count_of(counts, static_cast<index_t>(i));
  }
  return matrix;
}

namespace detail {

struct class_margins {
  std::vector<index_t> truth;
  std::vector<index_t> predicted;
  index_t correct = 0;
  index_t total = 0;
};

[[nodiscard]] inline class_margins margins_of(const confusion_matrix& matrix) {
  const auto classes = static_cast<std::size_t>(matrix.classes);
  class_margins margins{std::vector<index_t>(classes, 0), std::vector<index_t>(classes, 0), 0, 0};
  for (std::size_t k = 0; k < classes; ++k) {
    for (std::size_t l = 0; l < classes; ++l) {
      const index_t cell = matrix.cells[k * classes + l];
      margins.truth[k] += cell;
      margins.predicted[l] += cell;
      margins.total += cell;
    }
    margins.correct += matrix.cells[k * classes + k];
  }
  return margins;
}

}  // namespace detail

/// Share of rows on the diagonal.
[[nodiscard]] inline double accuracy(const confusion_matrix& matrix) {
  const auto margins = detail::margins_of(matrix);
  return static_cast<double>(margins.correct) / static_cast<double>(margins.total);
}

/// Matthews correlation, for K classes R_K = (c s - sum t_k p_k) / sqrt((s^2 - sum p_k^2)(s^2 - sum t_k^2));
/// with two classes (TP TN - FP FN) / sqrt(...). 0 when the root is 0.
[[nodiscard]] inline double mcc(const confusion_matrix& matrix) {
  const auto margins = detail::margins_of(matrix);
  const auto total = static_cast<double>(margins.total);
  double covariance = static_cast<double>(margins.correct) * total;
  double spread_truth = total * total;
  double spread_predicted = total * total;
  for (std::size_t k = 0; k < margins.truth.size(); ++k) {
    const auto truth = static_cast<double>(margins.truth[k]);
    const auto predicted = static_cast<double>(margins.predicted[k]);
    covariance -= truth * predicted;
    spread_truth -= truth * truth;
    spread_predicted -= predicted * predicted;
  }
  const double root = std::sqrt(spread_truth) * std::sqrt(spread_predicted);
  return root > 0 ? std::clamp(covariance / root, -1.0, 1.0) : 0.0;
}

/// F1 of one class: 2 TP / (2 TP + FP + FN); 0 when there is nothing to divide by.
[[nodiscard]] inline double f1(const confusion_matrix& matrix, index_t positive = 1) {
  const auto margins = detail::margins_of(matrix);
  const index_t twice = 2 * matrix(positive, positive);
  const index_t all = margins.truth[static_cast<std::size_t>(positive)] +
                      margins.predicted[static_cast<std::size_t>(positive)];
  return all > 0 ? static_cast<double>(twice) / static_cast<double>(all) : 0.0;
}

/// Unweighted mean of the F1 of the classes that occur among the labels or the predictions.
[[nodiscard]] inline double f1_macro(const confusion_matrix& matrix) {
  const auto margins = detail::margins_of(matrix);
  double sum = 0;
  double classes = 0;
  for (std::size_t k = 0; k < margins.truth.size(); ++k) {
    if (margins.truth[k] + margins.predicted[k] == 0) continue;
    sum += f1(matrix, static_cast<index_t>(k));
    classes += 1;
  }
  return sum / classes;
}

/// The confusion matrix of two columns of class values: classes are the distinct values in rising order.
/// \throws error [dnalm.shape.500], [dnalm.numeric.501]. Cost: O(n log n).
[[nodiscard]] inline confusion_matrix confusion_of(std::span<const double> labels,
                                                   std::span<const double> predicted) {
  check_same_length(labels, predicted, "confusion matrix");
  check_no_nan(labels, "confusion matrix");
  check_no_nan(predicted, "confusion matrix");
  std::vector<double> classes(labels.begin(), labels.end());
  classes.insert(classes.end(), predicted.begin(), predicted.end());
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  const auto numbers = [&](std::span<const double> values) {
    std::vector<index_t> found;
    found.reserve(values.size());
    for (const double value : values) {
      found.push_back(std::lower_bound(classes.begin(), classes.end(), value) - classes.begin());
    }
    return found;
  };
  return count_confusion(numbers(labels), numbers(predicted), static_cast<index_t>(classes.size()));
}

/// Share of equal entries. \throws as confusion_of.
[[nodiscard]] inline double accuracy(std::span<const double> labels, std::span<const double> predicted) {
  return accuracy(confusion_of(labels, predicted));
}
/// Matthews correlation of two columns of class values. \throws as confusion_of.
[[nodiscard]] inline double mcc(std::span<const double> labels, std::span<const double> predicted) {
  return mcc(confusion_of(labels, predicted));
}
/// Macro F1 of two columns of class values. \throws as confusion_of.
[[nodiscard]] inline double f1_macro(std::span<const double> labels, std::span<const double> predicted) {
  return f1_macro(confusion_of(labels, predicted));
}
/// F1 of class 1 against the rest. \throws as confusion_of.
[[nodiscard]] inline double f1(std::span<const double> labels, std::span<const double> predicted) {
  check_same_length(labels, predicted, "f1");
  check_no_nan(labels, "f1");
  check_no_nan(predicted, "f1");
  index_t twice = 0;
  index_t all = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    twice += labels[i] == 1 && predicted[i] == 1 ? 2 : 0;
    all += (labels[i] == 1 ? 1 : 0) + (predicted[i] == 1 ? 1 : 0);
  }
  return all > 0 ? static_cast<double>(twice) / static_cast<double>(all) : 0.0;
}

}  // namespace metrics

DNALM_END_NAMESPACE
