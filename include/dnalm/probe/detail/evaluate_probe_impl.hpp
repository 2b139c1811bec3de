// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/evaluate_probe.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/probe/detail/logistic_protocol.hpp>
#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/detail/ridge_protocol.hpp>
#include <dnalm/probe/evaluate_probe.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// Features must have a row per label row; the rows asked for must be finite.
inline void check_features(const probe_problem& problem, matrix_view<const float> features, bool test_only) {
  if (features.rows != problem.rows() || features.columns < 1) {
    throw error(error_kind::shape, 520, "features do not fit the table",
                {.where = "probe",
                 .expected = std::to_string(problem.rows()) + " rows, at least one column",
                 .found = std::to_string(features.rows) + " x " + std::to_string(features.columns)});
  }
  for (index_t row = 0; row < features.rows; ++row) {
    const bool test = problem.table().parts[static_cast<std::size_t>(row)] == split_part::test;
    if (test || !test_only) check_finite_row<float>(features.row(row), row);
  }
}

[[nodiscard]] inline std::vector<probe_target> describe_targets(const probe_problem& problem) {
  std::vector<probe_target> described;
  index_t first = 0;
  for (const auto& target : problem.targets()) {
    const auto rows = static_cast<index_t>(target.train.size() + target.valid.size());
    described.push_back({target.name, target.task, target.classes, first, target.outputs(), 0, rows});
    first += target.outputs();
  }
  return described;
}

/// Scores of one target's predictions, intervals from whole groups.
[[nodiscard]] inline std::vector<metrics::score> score_target(const probe_problem& problem,
                                                              const probe_problem::target& target,
                                                              const std::vector<double>& labels,
                                                              const std::vector<double>& predictions,
                                                              metrics::bootstrap_options bootstrap) {
  bootstrap.stream = target.name;
  std::vector<index_t> clusters;
  for (const index_t row : target.test) clusters.push_back(problem.clusters()[static_cast<std::size_t>(row)]);
  if (target.task == task_kind::regression) {
    return metrics::regression_scores(labels, predictions, clusters, bootstrap);
  }
  if (target.task == task_kind::binary) {
    return metrics::binary_scores(labels, predictions, clusters, bootstrap);
  }
  std::vector<index_t> classes;
  for (const double label : labels) classes.push_back(static_cast<index_t>(label));
  const auto rows = static_cast<index_t>(labels.size());
  return metrics::multiclass_scores(classes, as_matrix(predictions.data(), rows, target.outputs()), clusters,
                                    bootstrap);
}

/// Predicts the test rows of every target with the fitted probe and scores them.
inline void score_probe(const probe_problem& problem, matrix_view<const float> features,
                        const probe_options& options, probe_evaluation& evaluation) {
  for (std::size_t t = 0; t < problem.targets().size(); ++t) {
    const auto& target = problem.targets()[t];
    const auto& fitted = evaluation.probe.targets[t];
    auto& result = evaluation.targets[t];
    result.target = target.name;
    result.task = target.task;
    result.classes = target.classes;
    result.outputs = target.outputs();
    result.n_train = fitted.train_rows;
    result.n_test = static_cast<index_t>(target.test.size());
    result.lambda = fitted.lambda;
    result.test_rows = target.test;
    std::vector<double> outputs;
    for (const index_t row : target.test) {
      result.labels.push_back(target.labels[static_cast<std::size_t>(row)]);
      const auto own = linear_outputs(evaluation.probe, features.row_block(row, 1));
      outputs.insert(outputs.end(), own.begin(), own.end());
    }
    result.predictions = target_predictions(
        evaluation.probe, fitted,
        as_matrix(std::as_const(outputs).data(), result.n_test, evaluation.probe.outputs()));
    result.scores = score_target(problem, target, result.labels, result.predictions, options.bootstrap);
  }
}

[[nodiscard]] inline probe_evaluation start_evaluation(const probe_problem& problem,
                                                       const probe_options& options, index_t width) {
  probe_evaluation evaluation;
  evaluation.probe.kind = options.kind;
  evaluation.probe.width = width;
  evaluation.probe.seed = options.bootstrap.seed;
  evaluation.probe.targets = describe_targets(problem);
  evaluation.targets.resize(problem.targets().size());
  evaluation.remarks = problem.remarks();
  return evaluation;
}

inline void append_output(const std::vector<double>& weights, double intercept,
                          const std::vector<double>& mean, const std::vector<double>& scale,
                          fitted_probe& probe) {
  probe.weights.insert(probe.weights.end(), weights.begin(), weights.end());
  probe.intercept.push_back(intercept);
  probe.mean.insert(probe.mean.end(), mean.begin(), mean.end());
  probe.scale.insert(probe.scale.end(), scale.begin(), scale.end());
}

/// Fits all groups of a ridge source and fills the probe.
inline void fit_ridge(const probe_problem& problem, const ridge_source& source, const probe_options& options,
                      probe_evaluation& evaluation) {
  const auto starts = column_starts(problem);
  std::vector<index_t> target_of_column;
  for (std::size_t t = 0; t + 1 < starts.size(); ++t) {
    target_of_column.insert(target_of_column.end(), static_cast<std::size_t>(starts[t + 1] - starts[t]),
                            static_cast<index_t>(t));
  }
  const auto choice = settle_choice(problem, options);
  std::vector<fitted_column> fits(target_of_column.size());
  for (std::size_t group = 0; group < source.group_columns.size(); ++group) {
    const ridge_group_fit fit(source, static_cast<index_t>(group), choice, options, target_of_column);
    evaluation.method = "ridge, " + fit.run(fits);
    if (fit.choice() == choice) continue;
    const auto first = static_cast<std::size_t>(
        target_of_column[static_cast<std::size_t>(source.group_columns[group].front())]);
    evaluation.remarks.push_back(
        "target " + problem.targets()[first].name +
        " (and those labelled in the same rows): no labelled rows to choose the penalty "
        "by, chosen by generalised cross-validation");
  }
  for (std::size_t c = 0; c < fits.size(); ++c) {
    append_output(fits[c].weights, fits[c].intercept, fits[c].mean, fits[c].scale, evaluation.probe);
    const auto t = static_cast<std::size_t>(target_of_column[c]);
    evaluation.probe.targets[t].lambda = fits[c].lambda;
    evaluation.targets[t].penalties = fits[c].penalties;
    evaluation.targets[t].penalty_errors = fits[c].errors;
  }
}

inline void fit_all_logistic(const probe_problem& problem, matrix_view<const float> features,
                             const probe_options& options, probe_evaluation& evaluation) {
  const auto choice = settle_choice(problem, options);
  for (std::size_t t = 0; t < problem.targets().size(); ++t) {
    const auto& target = problem.targets()[t];
    if (target.task == task_kind::regression) {
      throw error(error_kind::usage, 535, "a logistic probe needs classes",
                  {.where = "target " + target.name,
                   .expected = "a classification target or the ridge probe",
                   .found = "a regression target"});
    }
    index_t fold_count = 0;
    std::vector<index_t> folds;
    if (choice == penalty_choice::folds || target.valid.empty())
      folds = fold_parts(problem, options, fold_count);
    const auto fit = logistic_target_fit(target, features, options).run(folds, fold_count);
    for (index_t k = 0; k < fit.model.outputs; ++k) {
      const auto first = fit.model.weights.begin() + k * fit.model.features;
      append_output({first, first + fit.model.features}, fit.model.intercept[static_cast<std::size_t>(k)],
                    fit.model.mean, fit.model.scale, evaluation.probe);
    }
    evaluation.probe.targets[t].lambda = fit.model.lambda;
    evaluation.targets[t].penalties = fit.penalties;
    evaluation.targets[t].penalty_errors = fit.errors;
  }
  evaluation.method = "logistic";
}

/// Bytes of a primal fit beside the features: statistics, and at most six matrices of their width at once.
[[nodiscard]] inline index_t primal_bytes(index_t width, index_t columns, index_t parts, index_t groups) {
  return checked_add(ridge_statistics::bytes(width, columns, parts, groups),
                     checked_mul(checked_mul(width, width), 6 * 8));
}

/// Bytes of a dual fit: the kernel and its reduction, and the rows in float and double.
[[nodiscard]] inline index_t dual_bytes(index_t width, index_t rows) {
  return checked_add(checked_mul(checked_mul(rows, rows), 4 * 8), checked_mul(checked_mul(rows, width), 12));
}

inline void evaluate_by_ridge(const probe_problem& problem, matrix_view<const float> features,
                              const probe_options& options, probe_evaluation& evaluation) {
  index_t parts = 0;
  const auto part = plan_parts(problem, options, parts);
  const auto labels = regression_columns(problem);
  const auto columns = column_starts(problem).back();
  const auto y = as_matrix(labels.data(), problem.rows(), columns);
  const auto group_of_column = missingness_groups(y);
  const index_t groups = 1 + *std::max_element(group_of_column.begin(), group_of_column.end());
  const auto fitted =
      static_cast<index_t>(std::count_if(part.begin(), part.end(), [](index_t p) { return p >= 0; }));
  if (features.columns > fitted) {
    check_memory(dual_bytes(features.columns, fitted), options.memory, "dual ridge");
    dual_table table{features, y, part, std::vector<std::vector<index_t>>(static_cast<std::size_t>(groups))};
    for (std::size_t c = 0; c < group_of_column.size(); ++c) {
      table.group_columns[static_cast<std::size_t>(group_of_column[c])].push_back(static_cast<index_t>(c));
    }
    fit_ridge(problem, dual_source(table, parts), options, evaluation);
    return;
  }
  check_memory(primal_bytes(features.columns, columns, parts, groups), options.memory, "ridge statistics");
  ridge_statistics statistics(features.columns, columns, parts, group_of_column);
  statistics.add(features, y, part);
  fit_ridge(problem, primal_source(statistics), options, evaluation);
}

}  // namespace detail

DNALM_INLINE std::vector<index_t> statistics_parts(const probe_problem& problem, const probe_options& options,
                                                   index_t& count) {
  return detail::plan_parts(problem, options, count);
}

DNALM_INLINE std::vector<double> regression_columns(const probe_problem& problem) {
  std::vector<double> labels;
  const auto columns = detail::column_starts(problem).back();
  labels.reserve(static_cast<std::size_t>(checked_mul(problem.rows(), columns)));
  for (std::size_t row = 0; row < static_cast<std::size_t>(problem.rows()); ++row) {
    for (const auto& target : problem.targets()) {
      const double label = target.labels[row];
      if (target.task != task_kind::multiclass) {
        labels.push_back(label);
        continue;
      }
      for (index_t k = 0; k < target.outputs(); ++k) {
        labels.push_back(std::isnan(label) ? label : (label == static_cast<double>(k) ? 1.0 : 0.0));
      }
    }
  }
  return labels;
}

DNALM_INLINE probe_evaluation evaluate_probe(const probe_problem& problem, matrix_view<const float> features,
                                             const probe_options& options) {
  detail::check_features(problem, features, false);
  auto evaluation = detail::start_evaluation(problem, options, features.columns);
  if (options.kind == probe_kind::ridge) {
    detail::evaluate_by_ridge(problem, features, options, evaluation);
  } else {
    detail::fit_all_logistic(problem, features, options, evaluation);
  }
  detail::score_probe(problem, features, options, evaluation);
  return evaluation;
}

DNALM_INLINE probe_evaluation evaluate_ridge(const probe_problem& problem,
                                             const ridge_accumulator& statistics,
                                             matrix_view<const float> features,
                                             const probe_options& options) {
  detail::check_features(problem, features, true);
  index_t parts = 0;
  const auto part = detail::plan_parts(problem, options, parts);
  const auto labels = regression_columns(problem);
  const auto columns = detail::column_starts(problem).back();
  const auto groups = missingness_groups(as_matrix(labels.data(), problem.rows(), columns));
  const index_t group_count = 1 + *std::max_element(groups.begin(), groups.end());
  if (options.kind != probe_kind::ridge || statistics.features() != features.columns ||
      statistics.parts() != parts || statistics.targets() != columns || statistics.groups() != group_count) {
    detail::throw_statistics_shape(
        std::to_string(features.columns) + " features, " + std::to_string(columns) + " columns, " +
            std::to_string(parts) + " parts",
        std::to_string(statistics.features()) + ", " + std::to_string(statistics.targets()) + ", " +
            std::to_string(statistics.parts()));
  }
  auto evaluation = detail::start_evaluation(problem, options, features.columns);
  detail::fit_ridge(problem, detail::primal_source(statistics), options, evaluation);
  detail::score_probe(problem, features, options, evaluation);
  return evaluation;
}

DNALM_END_NAMESPACE
