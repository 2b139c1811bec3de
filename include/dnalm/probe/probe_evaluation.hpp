// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the probing protocol is asked for, and what it finds.
#pragma once

#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/metrics/score_table.hpp>
#include <dnalm/probe/fitted_probe.hpp>
#include <dnalm/probe/task.hpp>

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

DNALM_END_NAMESPACE
