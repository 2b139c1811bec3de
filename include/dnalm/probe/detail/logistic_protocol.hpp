// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Logistic regression in the probing protocol: one target at a time, on rows.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <dnalm/probe/detail/lanes.hpp>
#include <dnalm/probe/detail/penalty_search.hpp>
#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/logistic.hpp>
#include <dnalm/probe/probe_evaluation.hpp>
#include <dnalm/probe/probe_problem.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// The final fit of one target and how its penalty was found.
struct fitted_classes {
  logistic_solution model;
  std::vector<double> penalties;
  std::vector<double> errors;
};

/// Fits one target of a problem.
class logistic_target_fit {
 public:
  logistic_target_fit(const probe_problem::target& target, matrix_view<const float> features,
                      const probe_options& options)
      : target_(target), features_(features), options_(options) {
    solver_.threads = options.threads;
  }

  /// `folds`: (n) fold of every train and valid row where the choice is folds, else empty.
  [[nodiscard]] fitted_classes run(std::span<const index_t> folds, index_t fold_count) {
    const auto fitted = target_.fitted_rows();
    const bool by_folds = !folds.empty() || target_.valid.empty();
    fitted_classes result;
    const auto unit = static_cast<double>(by_folds ? fitted.size() : target_.train.size());
    result.penalties = usable_penalties(options_.penalties, default_logistic_penalties(unit), false);
    result.errors.assign(result.penalties.size(), 0.0);
    if (by_folds) {
      judge_by_folds(fitted, folds, fold_count, result);
    } else {
      add_losses(target_.train, target_.valid, options_.penalties.empty(), result);
      for (double& value : result.errors) value /= static_cast<double>(target_.valid.size());
    }
    auto path = make_path(fitted);
    result.model = solve(path, result.penalties[smallest_error(result.errors)]);
    return result;
  }

 private:
  [[nodiscard]] index_t class_count() const { return static_cast<index_t>(target_.classes.size()); }

  [[nodiscard]] logistic_path make_path(const std::vector<index_t>& rows) const {
    std::vector<index_t> classes;
    for (const index_t row : rows) classes.push_back(class_of(row));
    return logistic_path(features_, classes, class_count(), solver_, {}, rows);
  }

  [[nodiscard]] index_t class_of(index_t row) const {
    return static_cast<index_t>(target_.labels[static_cast<std::size_t>(row)]);
  }

  [[nodiscard]] logistic_solution solve(logistic_path& path, double lambda) const {
    auto model = path.solve(lambda);
    if (model.converged) return model;
    throw error(error_kind::numeric, 529, "logistic regression did not converge",
                {.where = "target " + target_.name + ", penalty " + std::to_string(lambda),
                 .expected = "a gradient below 1e-8 of its scale",
                 .found = std::to_string(model.gradient) + " after " + std::to_string(model.iterations) +
                          " iterations"});
  }

  /// Sum over rows of -log p(class), from the linear outputs.
  [[nodiscard]] double loss_of(const logistic_solution& model, const std::vector<index_t>& rows) const {
    double loss = 0;
    std::vector<double> outputs(static_cast<std::size_t>(model.outputs));
    for (const index_t row : rows) {
      for (index_t k = 0; k < model.outputs; ++k) {
        outputs[static_cast<std::size_t>(k)] =
            mixed_dot(features_.row_data(row), model.weights.data() + k * model.features, model.features) +
            model.intercept[static_cast<std::size_t>(k)];
      }
      loss += loss_of_outputs(outputs, class_of(row));
    }
    return loss;
  }

  [[nodiscard]] static double loss_of_outputs(const std::vector<double>& outputs, index_t truth) {
    if (outputs.size() == 1) {
      const double margin = truth == 1 ? outputs[0] : -outputs[0];
      return std::max(-margin, 0.0) + std::log1p(std::exp(-std::abs(margin)));
    }
    const double largest = *std::max_element(outputs.begin(), outputs.end());
    double sum = 0;
    for (const double output : outputs) sum += std::exp(output - largest);
    return largest + std::log(sum) - outputs[static_cast<std::size_t>(truth)];
  }

  /// Adds the held rows' losses of the whole path, from the largest penalty down. With `stop` the path ends
  /// after three penalties in a row that did not improve; what is left stays NaN.
  void add_losses(const std::vector<index_t>& training, const std::vector<index_t>& held, bool stop,
                  fitted_classes& result) const {
    auto path = make_path(training);
    double least = std::numeric_limits<double>::infinity();
    int worse = 0;
    for (std::size_t i = result.penalties.size(); i-- > 0;) {
      if (stop && worse == 3) {
        result.errors[i] = std::numeric_limits<double>::quiet_NaN();
        continue;
      }
      result.errors[i] += loss_of(solve(path, result.penalties[i]), held);
      worse = result.errors[i] < least ? 0 : worse + 1;
      least = std::min(least, result.errors[i]);
    }
  }

  void judge_by_folds(const std::vector<index_t>& fitted, std::span<const index_t> folds, index_t fold_count,
                      fitted_classes& result) const {
    std::size_t judged = 0;
    for (index_t fold = 0; fold < fold_count; ++fold) {
      std::vector<index_t> training;
      std::vector<index_t> held;
      for (const index_t row : fitted) {
        (folds[static_cast<std::size_t>(row)] == fold ? held : training).push_back(row);
      }
      const auto seen = classes_of(target_.labels, training, target_.classes.size());
      if (held.empty() || std::find(seen.begin(), seen.end(), false) != seen.end()) continue;
      add_losses(training, held, false, result);
      judged += held.size();
    }
    if (judged == 0) {
      throw_target(539, "too few groups to keep them whole", target_.name,
                   "a fold whose other folds hold every class", "none");
    }
    for (double& value : result.errors) value /= static_cast<double>(judged);
  }

  const probe_problem::target& target_;
  matrix_view<const float> features_;
  const probe_options& options_;
  logistic_options solver_;
};

}  // namespace detail

DNALM_END_NAMESPACE
