// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The probing protocol: choose the penalty, refit, predict the test rows, score with intervals.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/metrics/score_table.hpp>
#include <dnalm/probe/fitted_probe.hpp>
#include <dnalm/probe/probe_problem.hpp>
#include <dnalm/probe/ridge_accumulator.hpp>
#include <dnalm/probe/ridge_statistics.hpp>
#include <dnalm/probe/task.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// How the penalty is chosen.
enum class penalty_choice {
  automatic,   ///< by the valid rows where there are any, otherwise by folds
  validation,  ///< smallest error (ridge: MSE, logistic: mean log loss) on the valid rows
  folds,       ///< smallest cross-validated error over folds of train + valid, groups whole
  gcv          ///< generalised cross-validation on train + valid (ridge only)
};

struct probe_options {
  probe_kind kind = probe_kind::ridge;
  penalty_choice choice = penalty_choice::automatic;
  std::vector<double> penalties = {};  ///< absolute, on the standardised scale; empty: the default grid
  index_t folds = 10;                  ///< used by penalty_choice::folds; lowered to the number of groups
  int threads = 1;                     ///< never changes a number
  metrics::bootstrap_options bootstrap = {};  ///< `stream` is set per target
  index_t memory = 0;                         ///< bytes the fit may use beside the features; 0: no limit
};

/// What a probe achieved on one target.
struct target_evaluation {
  std::string target;
  task_kind task = task_kind::regression;
  std::vector<double> classes;  ///< as probe_problem::target
  index_t n_train = 0;          ///< rows of the final fit: train + valid
  index_t n_test = 0;
  double lambda = 0;  ///< chosen, on the standardised scale
  std::vector<metrics::score>
      scores;  ///< regression: pearson spearman r2 mse; classes: auroc auprc accuracy mcc f1
  std::vector<index_t> test_rows;   ///< row numbers in the table
  std::vector<double> labels;       ///< (n_test): value or class number
  std::vector<double> predictions;  ///< (n_test, outputs): value, score of class 1, or one score per class
  index_t outputs = 1;
  std::vector<double> penalties;       ///< the grid tried, in the order of `penalty_errors`
  std::vector<double> penalty_errors;  ///< its error (NaN: not tried)
};

struct probe_evaluation {
  std::vector<target_evaluation> targets;
  fitted_probe probe;  ///< model, layer, pooling, seed are left for the caller to fill
  std::string method;  ///< how it was solved
  std::vector<std::string> remarks;
};

/// Runs the protocol on one representation.
///
/// 1. Every penalty is fitted on the train rows (standardised by their own mean and deviation) and judged by
///    options.choice; ties go to the larger penalty. 2. The probe is refitted at that penalty on train +
///    valid.
/// 3. Test rows are predicted and scored; intervals resample groups, the same resamples for every
/// representation. Ridge on classes regresses 0/1 indicators. All targets share one pass over the rows where
/// ridge works on statistics; it works on rows (dual) where D exceeds the number of training rows. \param
/// features (n, D). \throws error [dnalm.shape.520], [dnalm.numeric.521], [dnalm.usage.528] for a bad
/// penalty, [dnalm.numeric.529] when a logistic fit does not converge, [dnalm.memory.530], [dnalm.usage.535]
/// logistic for a regression target, [dnalm.usage.543] when the penalty cannot be chosen as asked (validation
/// without valid rows, gcv for logistic), [dnalm.input.539] with fewer than two groups for folds,
/// [dnalm.usage.504]. Deterministic: threads change nothing.
[[nodiscard]] probe_evaluation evaluate_probe(const probe_problem& problem, matrix_view<const float> features,
                                              const probe_options& options);

/// The parts by which ridge_statistics of a problem are gathered in a stream: 0 train, 1 valid, -1 test; with
/// folds the fold number of train and valid rows. `count` receives the number of parts. \throws error
/// [dnalm.usage.543], [dnalm.input.539].
[[nodiscard]] std::vector<index_t> statistics_parts(const probe_problem& problem,
                                                    const probe_options& options, index_t& count);

/// The columns (n, columns) that ridge regresses on: values for regression, 0/1 for two classes, one
/// indicator per class for more; NaN where missing. Order: targets, then classes.
[[nodiscard]] std::vector<double> regression_columns(const probe_problem& problem);

/// As above from statistics gathered while the rows streamed past (statistics_parts, regression_columns,
/// missingness_groups of those columns); `features` is read only at the test rows. Ridge only.
/// \throws as evaluate_probe; error [dnalm.shape.520] when the statistics do not fit the problem.
[[nodiscard]] probe_evaluation evaluate_ridge(const probe_problem& problem,
                                              const ridge_accumulator& statistics,
                                              matrix_view<const float> features,
                                              const probe_options& options);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/evaluate_probe_impl.hpp>
#endif
