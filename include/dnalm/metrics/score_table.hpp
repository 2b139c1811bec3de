// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The scores of a task, each with its interval: regression, two classes, several classes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/metrics/bootstrap.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

/// One score with its percentile interval (NaN ends when options.resamples is 0 or it is undefined).
struct score {
  std::string name;
  double value = 0;
  double low = 0;
  double high = 0;
};

/// `pearson`, `spearman`, `r2`, `mse` of labels and predictions, neither with NaN.
///
/// The predictions' order is sorted once; each resample ranks anew in O(n). `clusters`: one number per row;
/// rows of one cluster are drawn together. \throws error [dnalm.shape.500], [dnalm.numeric.501],
/// [dnalm.usage.504]. Cost: O(n log n + resamples n).
[[nodiscard]] std::vector<score> regression_scores(std::span<const double> labels,
                                                   std::span<const double> predicted,
                                                   std::span<const index_t> clusters,
                                                   const bootstrap_options& options);

/// `auroc`, `auprc`, `accuracy`, `mcc`, `f1` of labels 0/1 and the score of class 1; a row counts as class 1
/// from `threshold` on. Resamples without one of the classes are left out of the intervals of AUROC and
/// AUPRC. \throws as regression_scores, and error [dnalm.input.502] when the labels hold one class only,
/// [dnalm.input.503].
[[nodiscard]] std::vector<score> binary_scores(std::span<const double> labels, std::span<const double> scores,
                                               std::span<const index_t> clusters,
                                               const bootstrap_options& options, double threshold = 0.5);

/// The same five for K classes: `auroc` and `auprc` macro one-vs-rest, `mcc` R_K, `f1` macro; the predicted
/// class is the first largest score. `labels` are class numbers in [0, K); `scores` is (rows, K). Classes
/// without a row (or with all rows) have no AUROC and are left out of both macro means; so are, in a
/// resample, the ones it misses. \throws as binary_scores; [dnalm.input.503] also for a label outside [0, K).
[[nodiscard]] std::vector<score> multiclass_scores(std::span<const index_t> labels,
                                                   matrix_view<const double> scores,
                                                   std::span<const index_t> clusters,
                                                   const bootstrap_options& options);

}  // namespace metrics

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/metrics/detail/score_table_impl.hpp>
#endif
