// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Ridge in the probing protocol: one algorithm on statistics (primal) or on rows (dual).
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <dnalm/probe/detail/lanes.hpp>
#include <dnalm/probe/detail/penalty_search.hpp>
#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/probe_evaluation.hpp>
#include <dnalm/probe/probe_problem.hpp>
#include <dnalm/probe/ridge.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// Where fits and held-out errors of a group of columns come from. `parts` are numbers of statistics_parts.
struct ridge_source {
  bool cheap = true;
  index_t parts = 1;
  std::vector<std::vector<index_t>> group_columns;
  std::function<index_t(index_t part, index_t group)> rows;
  std::function<ridge_path(std::span<const index_t> parts, index_t group, const ridge_options&)> path;
  /// Sums of squared errors on one part: result[model][column of the group].
  std::function<std::vector<std::vector<double>>(std::span<const ridge_solution>, index_t part,
                                                 index_t group)>
      squares;
};

/// How the penalty of a problem is chosen once `automatic` is settled. \throws error [dnalm.usage.543].
[[nodiscard]] inline penalty_choice settle_choice(const probe_problem& problem,
                                                  const probe_options& options) {
  if (options.choice == penalty_choice::automatic) {
    return problem.has_valid() ? penalty_choice::validation : penalty_choice::folds;
  }
  const bool no_valid = options.choice == penalty_choice::validation && !problem.has_valid();
  const bool no_gcv = options.choice == penalty_choice::gcv && options.kind != probe_kind::ridge;
  if (no_valid || no_gcv) {
    throw error(error_kind::usage, 543, "the penalty cannot be chosen this way",
                {.expected = no_valid ? "valid rows, or another choice" : "a ridge probe for gcv",
                 .found = no_valid ? "no valid row" : "a logistic probe"});
  }
  return options.choice;
}

/// Folds of the train and valid rows, groups whole; -1 for test rows.
[[nodiscard]] inline std::vector<index_t> fold_parts(const probe_problem& problem,
                                                     const probe_options& options, index_t& folds) {
  std::vector<std::string> keys;
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < problem.table().parts.size(); ++row) {
    if (problem.table().parts[row] == split_part::test) continue;
    keys.push_back(problem.keys()[row]);
    rows.push_back(row);
  }
  const auto numbers = number_groups(keys);
  const index_t groups = numbers.empty() ? 0 : 1 + *std::max_element(numbers.begin(), numbers.end());
  folds = std::min(options.folds, groups);
  const auto fold = assign_folds(keys, folds, options.bootstrap.seed);
  std::vector<index_t> parts(problem.table().parts.size(), -1);
  for (std::size_t i = 0; i < rows.size(); ++i) parts[rows[i]] = fold[i];
  return parts;
}

/// Statistics parts and how many there are.
[[nodiscard]] inline std::vector<index_t> plan_parts(const probe_problem& problem,
                                                     const probe_options& options, index_t& count) {
  if (settle_choice(problem, options) == penalty_choice::folds) return fold_parts(problem, options, count);
  count = 2;
  std::vector<index_t> parts;
  for (const auto part : problem.table().parts) {
    parts.push_back(part == split_part::train ? 0 : (part == split_part::valid ? 1 : -1));
  }
  return parts;
}

[[nodiscard]] inline std::vector<index_t> all_parts(index_t count) {
  std::vector<index_t> parts(static_cast<std::size_t>(count));
  std::iota(parts.begin(), parts.end(), index_t{0});
  return parts;
}

/// First column of every target, and the total at the end.
[[nodiscard]] inline std::vector<index_t> column_starts(const probe_problem& problem) {
  std::vector<index_t> starts{0};
  for (const auto& target : problem.targets()) starts.push_back(starts.back() + target.outputs());
  return starts;
}

/// Needed bytes against the limit. \throws error [dnalm.memory.530].
inline void check_memory(index_t needed, index_t limit, const char* what) {
  if (limit <= 0 || needed <= limit) return;
  throw error(error_kind::memory, 530, "a probe does not fit into the memory budget",
              {.where = what,
               .expected = "at most " + std::to_string(limit) + " bytes",
               .found = std::to_string(needed) + " bytes"});
}

/// A source on streamed statistics.
[[nodiscard]] inline ridge_source primal_source(const ridge_accumulator& statistics) {
  ridge_source source;
  source.cheap = statistics.features() <= widest_tridiagonal;
  source.parts = statistics.parts();
  for (index_t group = 0; group < statistics.groups(); ++group) {
    source.group_columns.push_back(statistics.group_targets(group));
  }
  source.rows = [&statistics](index_t part, index_t group) { return statistics.rows(part, group); };
  source.path = [&statistics](std::span<const index_t> parts, index_t group, const ridge_options& options) {
    return ridge_path(statistics.moments(parts, group), options);
  };
  source.squares = [&statistics](std::span<const ridge_solution> models, index_t part, index_t group) {
    const auto held = statistics.moments(std::span<const index_t>(&part, 1), group);
    std::vector<std::vector<double>> squares;
    for (auto& scores : score_moments(models, held)) {
      for (double& value : scores.mse) value *= held.weight;
      squares.push_back(std::move(scores.mse));
    }
    return squares;
  };
  return source;
}

/// Rows and labels kept for the dual.
struct dual_table {
  matrix_view<const float> features;
  matrix_view<const double> labels;  // (n, columns), NaN = missing
  std::span<const index_t> part;
  std::vector<std::vector<index_t>> group_columns;

  /// Labelled rows of some parts, rising.
  [[nodiscard]] std::vector<index_t> rows(std::span<const index_t> parts, index_t group) const {
    std::vector<index_t> chosen;
    const index_t column = group_columns[static_cast<std::size_t>(group)].front();
    for (index_t row = 0; row < features.rows; ++row) {
      const index_t own = part[static_cast<std::size_t>(row)];
      const bool wanted = own >= 0 && std::find(parts.begin(), parts.end(), own) != parts.end();
      if (wanted && !std::isnan(labels(row, column))) chosen.push_back(row);
    }
    return chosen;
  }

  [[nodiscard]] matrix<double> labels_of(const std::vector<index_t>& rows_wanted, index_t group) const {
    const auto& columns = group_columns[static_cast<std::size_t>(group)];
    matrix<double> out(static_cast<index_t>(rows_wanted.size()), static_cast<index_t>(columns.size()));
    for (std::size_t i = 0; i < rows_wanted.size(); ++i) {
      for (std::size_t c = 0; c < columns.size(); ++c) {
        out(static_cast<index_t>(i), static_cast<index_t>(c)) = labels(rows_wanted[i], columns[c]);
      }
    }
    return out;
  }

  [[nodiscard]] matrix<float> features_of(const std::vector<index_t>& rows_wanted) const {
    matrix<float> out(static_cast<index_t>(rows_wanted.size()), features.columns);
    for (std::size_t i = 0; i < rows_wanted.size(); ++i) {
      std::copy_n(features.row_data(rows_wanted[i]), features.columns,
                  out.view().row_data(static_cast<index_t>(i)));
    }
    return out;
  }

  [[nodiscard]] std::vector<std::vector<double>> squares(std::span<const ridge_solution> models, index_t held,
                                                         index_t group) const {
    const auto chosen = rows(std::span<const index_t>(&held, 1), group);
    const auto truth = labels_of(chosen, group);
    std::vector<std::vector<double>> sums;
    for (const auto& model : models) {
      std::vector<double> sum(static_cast<std::size_t>(model.targets), 0.0);
      for (std::size_t i = 0; i < chosen.size(); ++i) {
        for (index_t t = 0; t < model.targets; ++t) {
          const double fitted = mixed_dot(features.row_data(chosen[i]),
                                          model.weights.data() + t * model.features, model.features) +
                                model.intercept[static_cast<std::size_t>(t)];
          const double residual = truth(static_cast<index_t>(i), t) - fitted;
          sum[static_cast<std::size_t>(t)] += residual * residual;
        }
      }
      sums.push_back(std::move(sum));
    }
    return sums;
  }
};

/// A source on rows, for wide features and few rows.
[[nodiscard]] inline ridge_source dual_source(const dual_table& table, index_t parts) {
  ridge_source source;
  source.cheap = table.features.rows <= widest_tridiagonal;
  source.parts = parts;
  source.group_columns = table.group_columns;
  source.rows = [&table](index_t part, index_t group) {
    return static_cast<index_t>(table.rows(std::span<const index_t>(&part, 1), group).size());
  };
  source.path = [&table](std::span<const index_t> chosen, index_t group, const ridge_options& options) {
    const auto rows = table.rows(chosen, group);
    const auto x = table.features_of(rows);
    const auto y = table.labels_of(rows, group);
    return ridge_path(x.view(), y.view(), options);
  };
  source.squares = [&table](std::span<const ridge_solution> models, index_t part, index_t group) {
    return table.squares(models, part, group);
  };
  return source;
}

/// The error of some penalties for the columns of a group, by held-out parts or by GCV.
class ridge_judge {
 public:
  ridge_judge(const ridge_source& source, index_t group, penalty_choice choice)
      : source_(source), group_(group), choice_(choice) {}

  [[nodiscard]] penalty_errors operator()(const std::vector<double>& lambdas) const {
    const std::size_t columns = source_.group_columns[static_cast<std::size_t>(group_)].size();
    penalty_errors errors(columns, std::vector<double>(lambdas.size(), 0.0));
    if (choice_ == penalty_choice::gcv) {
      add_gcv(lambdas, errors);
    } else if (choice_ == penalty_choice::validation) {
      add_held_out({0}, 1, lambdas, errors);
    } else {
      for (index_t fold = 0; fold < source_.parts; ++fold) {
        auto others = all_parts(source_.parts);
        others.erase(others.begin() + fold);
        add_held_out(others, fold, lambdas, errors);
      }
    }
    return errors;
  }

 private:
  void add_gcv(const std::vector<double>& lambdas, penalty_errors& errors) const {
    const auto path = source_.path(all_parts(source_.parts), group_, {});
    for (std::size_t i = 0; i < lambdas.size(); ++i) {
      const auto scores = path.gcv(lambdas[i]);
      for (std::size_t c = 0; c < errors.size(); ++c) errors[c][i] = scores[c];
    }
  }

  void add_held_out(const std::vector<index_t>& training, index_t held, const std::vector<double>& lambdas,
                    penalty_errors& errors) const {
    index_t rows = 0;
    for (const index_t part : training) rows += source_.rows(part, group_);
    if (rows == 0 || source_.rows(held, group_) == 0) return;
    const auto path = source_.path(training, group_, {});
    const auto squares = source_.squares(path.solve(lambdas), held, group_);
    for (std::size_t i = 0; i < lambdas.size(); ++i) {
      for (std::size_t c = 0; c < errors.size(); ++c) errors[c][i] += squares[i][c];
    }
  }

  const ridge_source& source_;
  index_t group_;
  penalty_choice choice_;
};

/// The final fit of one column.
struct fitted_column {
  std::vector<double> weights;
  double intercept = 0;
  double lambda = 0;
  std::vector<double> mean;
  std::vector<double> scale;
  std::vector<double> penalties;
  std::vector<double> errors;  // mean over the rows judged
};

/// Chooses penalties and refits for the columns of one group. `target_of_column`: columns of one target share
/// a penalty, the one with the smallest sum of their errors.
class ridge_group_fit {
 public:
  ridge_group_fit(const ridge_source& source, index_t group, penalty_choice choice,
                  const probe_options& options, const std::vector<index_t>& target_of_column)
      : source_(source), group_(group), choice_(choice) {
    for (const index_t column : columns())
      targets_.push_back(target_of_column[static_cast<std::size_t>(column)]);
    if (!can_hold_out()) choice_ = penalty_choice::gcv;
    penalties_ =
        usable_penalties(options.penalties, default_penalties(static_cast<double>(judged_fit_rows())), true);
  }

  /// The choice in use: gcv where the group's targets have no labelled rows to hold out.
  [[nodiscard]] penalty_choice choice() const { return choice_; }

  /// Writes the fits of the group's columns into `fits` (indexed by column) and returns the method's name.
  std::string run(std::vector<fitted_column>& fits) const {
    const auto errors = judge_targets();
    std::map<double, std::vector<std::size_t>> by_penalty;  // local columns
    const double judged = static_cast<double>(judged_rows());
    for (std::size_t c = 0; c < columns().size(); ++c) {
      auto& fit = fits[static_cast<std::size_t>(columns()[c])];
      fit.penalties = penalties_;
      fit.errors = errors.at(targets_[c]);
      fit.lambda = penalties_[smallest_error(fit.errors)];
      if (choice_ != penalty_choice::gcv) {
        for (double& value : fit.errors) value /= judged;
      }
      by_penalty[fit.lambda].push_back(c);
    }
    return refit(by_penalty, fits);
  }

 private:
  [[nodiscard]] const std::vector<index_t>& columns() const {
    return source_.group_columns[static_cast<std::size_t>(group_)];
  }
  /// Whether there are labelled rows to judge by: in the valid part, or in two folds at least.
  [[nodiscard]] bool can_hold_out() const {
    if (choice_ == penalty_choice::gcv) return true;
    if (choice_ == penalty_choice::validation) return source_.rows(1, group_) > 0;
    index_t filled = 0;
    for (index_t fold = 0; fold < source_.parts; ++fold) filled += source_.rows(fold, group_) > 0 ? 1 : 0;
    return filled >= 2;
  }
  [[nodiscard]] index_t total_rows() const {
    index_t rows = 0;
    for (index_t part = 0; part < source_.parts; ++part) rows += source_.rows(part, group_);
    return rows;
  }
  [[nodiscard]] index_t judged_fit_rows() const {
    return choice_ == penalty_choice::validation ? source_.rows(0, group_) : total_rows();
  }
  [[nodiscard]] index_t judged_rows() const {
    return choice_ == penalty_choice::validation ? source_.rows(1, group_) : total_rows();
  }

  /// Errors per target, summed over its columns.
  [[nodiscard]] std::map<index_t, std::vector<double>> judge_targets() const {
    std::vector<index_t> distinct = targets_;
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    const ridge_judge judge_columns(source_, group_, choice_);
    const auto judge_all = [&](std::span<const std::size_t> indices) {
      std::vector<double> lambdas;
      for (const std::size_t i : indices) lambdas.push_back(penalties_[i]);
      const auto by_column = judge_columns(lambdas);
      penalty_errors by_target(distinct.size(), std::vector<double>(indices.size(), 0.0));
      for (std::size_t c = 0, t = 0; c < by_column.size(); ++c) {
        if (targets_[c] != distinct[t]) ++t;
        for (std::size_t i = 0; i < indices.size(); ++i) by_target[t][i] += by_column[c][i];
      }
      return by_target;
    };
    const auto errors = search_penalties(penalties_.size(), distinct.size(), source_.cheap, judge_all);
    std::map<index_t, std::vector<double>> named;
    for (std::size_t t = 0; t < distinct.size(); ++t) named[distinct[t]] = errors[t];
    return named;
  }

  std::string refit(const std::map<double, std::vector<std::size_t>>& by_penalty,
                    std::vector<fitted_column>& fits) const {
    ridge_options options;  // a factorisation or two are cheaper than the reduction
    if (by_penalty.size() <= 4) options.method = ridge_method::cholesky;
    const auto path = source_.path(all_parts(source_.parts), group_, options);
    std::vector<double> lambdas;
    for (const auto& [lambda, local] : by_penalty) lambdas.push_back(lambda);
    const auto models = path.solve(lambdas);
    std::size_t model = 0;
    for (const auto& [lambda, local] : by_penalty) {
      for (const std::size_t c : local) {
        auto& fit = fits[static_cast<std::size_t>(columns()[c])];
        const auto first = models[model].weights.begin() + static_cast<index_t>(c) * path.features();
        fit.weights.assign(first, first + path.features());
        fit.intercept = models[model].intercept[c];
        fit.mean = path.mean();
        fit.scale = path.scale();
      }
      ++model;
    }
    const std::string_view method = path.method();
    return std::string(method.substr(0, method.find(' '))) + (source_.cheap ? " tridiagonal" : " cholesky");
  }

  const ridge_source& source_;
  index_t group_;
  penalty_choice choice_;
  std::vector<index_t> targets_;  // of the group's columns
  std::vector<double> penalties_;
};

}  // namespace detail

DNALM_END_NAMESPACE
