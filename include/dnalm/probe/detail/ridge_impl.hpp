// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/ridge.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include <Eigen/Core>

#include <dnalm/core/error.hpp>
#include <dnalm/metrics/correlation.hpp>
#include <dnalm/probe/detail/eigen_objects.hpp>
#include <dnalm/probe/detail/lanes.hpp>
#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/detail/shifted_system.hpp>
#include <dnalm/probe/ridge.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

inline void check_penalty(double lambda) {
  if (lambda >= 0 && std::isfinite(lambda)) return;
  throw error(error_kind::usage, 528, "impossible ridge penalty",
              {.expected = "a finite number, zero or more", .found = std::to_string(lambda)});
}

[[nodiscard]] inline bool use_tridiagonal(ridge_method method, index_t size) {
  return method == ridge_method::tridiagonal ||
         (method == ridge_method::automatic && size <= widest_tridiagonal);
}

inline void check_training_rows(index_t rows) {
  if (rows >= 1) return;
  throw error(error_kind::input, 524, "too few training rows", {.expected = "at least 1", .found = "0"});
}

/// Rows of a dual problem: centred labels and centred, scaled features.
struct dual_rows {
  Eigen::MatrixXd z;  // (n, D)
  Eigen::MatrixXd y;  // (n, T)
};

}  // namespace detail

/// What a path knows: the scaling of the training rows and the system to solve.
struct ridge_path::state {
  state() { detail::check_eigen_objects(); }

  index_t features = 0;
  index_t targets = 0;
  index_t rows = 0;
  double weight = 0;
  double unit = 1;
  std::vector<double> mean_x;
  std::vector<double> mean_y;
  std::vector<double> scale;
  std::vector<double> yy;
  Eigen::MatrixXd cross;                  // (D, T) standardised; primal
  std::optional<detail::dual_rows> dual;  // dual
  std::optional<detail::shifted_system> system;

  void scale_columns(std::span<const double> squares, bool standardize) {
    scale.resize(squares.size());
    double trace = 0;
    double kept = 0;
    for (std::size_t d = 0; d < squares.size(); ++d) {
      scale[d] = detail::column_scale(squares[d], weight, mean_x[d], standardize);
      const double inverse = detail::inverse_or_zero(scale[d]);
      trace += squares[d] * inverse * inverse;
      kept += scale[d] > 0 ? 1 : 0;
    }
    if (kept > 0) unit = trace / kept;
  }

  void start_primal(const ridge_moments& training, const ridge_options& options) {
    const index_t width = training.features;
    std::vector<double> squares(static_cast<std::size_t>(width));
    for (index_t d = 0; d < width; ++d) {
      squares[static_cast<std::size_t>(d)] = training.gram[static_cast<std::size_t>(d * width + d)];
    }
    scale_columns(squares, options.standardize);
    Eigen::VectorXd inverse(width);
    for (index_t d = 0; d < width; ++d)
      inverse[d] = detail::inverse_or_zero(scale[static_cast<std::size_t>(d)]);
    Eigen::MatrixXd gram(width, width);
    cross.resize(width, targets);
    for (index_t i = 0; i < width; ++i) {
      const double* row = training.gram.data() + i * width;
      for (index_t j = 0; j < width; ++j) gram(j, i) = row[j] * inverse[i] * inverse[j];
      for (index_t t = 0; t < targets; ++t) {
        cross(i, t) = training.cross[static_cast<std::size_t>(t * width + i)] * inverse[i];
      }
    }
    system.emplace(std::move(gram), cross, detail::use_tridiagonal(options.method, width), rows);
  }

  template <class Number>
  void start_dual(matrix_view<const Number> x, matrix_view<const double> y, const ridge_options& options) {
    detail::dual_rows centred{Eigen::MatrixXd(x.rows, x.columns), Eigen::MatrixXd(y.rows, y.columns)};
    centre(y, centred.y, mean_y);
    centre(x, centred.z, mean_x);
    for (index_t t = 0; t < y.columns; ++t) {
      yy.push_back(detail::dot_in_lanes(centred.y.col(t).data(), centred.y.col(t).data(), y.rows));
    }
    std::vector<double> squares;
    for (index_t d = 0; d < x.columns; ++d) {
      squares.push_back(detail::dot_in_lanes(centred.z.col(d).data(), centred.z.col(d).data(), x.rows));
    }
    scale_columns(squares, options.standardize);
    for (index_t d = 0; d < x.columns; ++d) {
      centred.z.col(d) *= detail::inverse_or_zero(scale[static_cast<std::size_t>(d)]);
    }
    Eigen::MatrixXd kernel = Eigen::MatrixXd::Zero(x.rows, x.rows);
    kernel.selfadjointView<Eigen::Lower>().rankUpdate(centred.z);
    for (index_t i = 0; i < x.rows; ++i) {
      for (index_t j = i + 1; j < x.rows; ++j) kernel(i, j) = kernel(j, i);
    }
    system.emplace(std::move(kernel), centred.y, detail::use_tridiagonal(options.method, x.rows), rows);
    dual.emplace(std::move(centred));
  }

  template <class Number>
  static void centre(matrix_view<const Number> rows, Eigen::MatrixXd& out, std::vector<double>& mean) {
    for (index_t c = 0; c < rows.columns; ++c) {
      double sum = 0;
      for (index_t r = 0; r < rows.rows; ++r) sum += static_cast<double>(rows(r, c));
      const double middle = sum / static_cast<double>(rows.rows);
      for (index_t r = 0; r < rows.rows; ++r) out(r, c) = static_cast<double>(rows(r, c)) - middle;
      mean.push_back(middle);
    }
  }

  template <class Number>
  static void check_dual(matrix_view<const Number> x, matrix_view<const double> y) {
    if (x.rows != y.rows || x.columns < 1 || y.columns < 1) {
      detail::throw_statistics_shape("as many rows of labels as of features",
                                     std::to_string(x.rows) + " and " + std::to_string(y.rows));
    }
    detail::check_training_rows(x.rows);
    for (index_t row = 0; row < x.rows; ++row) {
      detail::check_finite_row<Number>(x.row(row), row);
      for (index_t t = 0; t < y.columns; ++t) {
        if (std::isfinite(y(row, t))) continue;
        throw error(error_kind::input, 536, "a label cannot be used",
                    {.where = "row " + std::to_string(row),
                     .expected = "a finite label",
                     .found = std::to_string(y(row, t))});
      }
    }
  }

  template <class Number>
  static std::unique_ptr<state> make_dual(matrix_view<const Number> x, matrix_view<const double> y,
                                          const ridge_options& options) {
    check_dual(x, y);
    auto made = std::make_unique<state>();
    made->features = x.columns;
    made->targets = y.columns;
    made->rows = x.rows;
    made->weight = static_cast<double>(x.rows);
    made->start_dual(x, y, options);
    return made;
  }

  /// Weights in the standardised scale, one block of columns per penalty: (D, lambdas x T).
  [[nodiscard]] Eigen::MatrixXd standardised_weights(std::span<const double> lambdas) const {
    for (const double lambda : lambdas) detail::check_penalty(lambda);
    Eigen::MatrixXd solved = system->solve(lambdas);
    if (!dual) return solved;
    return dual->z.transpose() * solved;
  }

  /// Back to the original scale: w / scale, b = my - w'mx.
  [[nodiscard]] ridge_solution unscale(const Eigen::MatrixXd& block, index_t first, double lambda) const {
    ridge_solution model{lambda, features, targets, {}, {}};
    model.weights.resize(static_cast<std::size_t>(checked_mul(features, targets)));
    for (index_t t = 0; t < targets; ++t) {
      double* weights = model.weights.data() + t * features;
      for (index_t d = 0; d < features; ++d) {
        weights[d] = block(d, first + t) * detail::inverse_or_zero(scale[static_cast<std::size_t>(d)]);
      }
      const double shift = detail::dot_in_lanes(weights, mean_x.data(), features);
      model.intercept.push_back(mean_y[static_cast<std::size_t>(t)] - shift);
    }
    return model;
  }

  /// Residual sum of squares of standardised weights w: yy - w'C - lambda w'w (from (G + lambda) w = C), or
  /// of the rows themselves in the dual.
  [[nodiscard]] double residual_squares(const Eigen::MatrixXd& weights, index_t t, double lambda) const {
    if (dual) {
      const Eigen::VectorXd residual = dual->y.col(t) - dual->z * weights.col(t);
      return detail::dot_in_lanes(residual.data(), residual.data(), residual.size());
    }
    const double explained = detail::dot_in_lanes(weights.col(t).data(), cross.col(t).data(), features);
    const double size = detail::dot_in_lanes(weights.col(t).data(), weights.col(t).data(), features);
    return std::max(0.0, yy[static_cast<std::size_t>(t)] - explained - lambda * size);
  }
};

DNALM_INLINE ridge_path::ridge_path(const ridge_moments& training, const ridge_options& options)
    : state_(std::make_unique<state>()) {
  detail::check_training_rows(training.rows);
  state_->features = training.features;
  state_->targets = training.targets;
  state_->rows = training.rows;
  state_->weight = training.weight;
  state_->mean_x = training.mean_x;
  state_->mean_y = training.mean_y;
  state_->yy = training.yy;
  state_->start_primal(training, options);
}
DNALM_INLINE ridge_path::ridge_path(matrix_view<const float> x, matrix_view<const double> y,
                                    const ridge_options& options)
    : state_(state::make_dual(x, y, options)) {}
DNALM_INLINE ridge_path::ridge_path(matrix_view<const double> x, matrix_view<const double> y,
                                    const ridge_options& options)
    : state_(state::make_dual(x, y, options)) {}
DNALM_INLINE ridge_path::~ridge_path() = default;
DNALM_INLINE ridge_path::ridge_path(ridge_path&&) noexcept = default;
DNALM_INLINE ridge_path& ridge_path::operator=(ridge_path&&) noexcept = default;

DNALM_INLINE index_t ridge_path::features() const {
  return state_->features;
}
DNALM_INLINE index_t ridge_path::targets() const {
  return state_->targets;
}
DNALM_INLINE index_t ridge_path::rows() const {
  return state_->rows;
}
DNALM_INLINE const std::vector<double>& ridge_path::mean() const {
  return state_->mean_x;
}
DNALM_INLINE const std::vector<double>& ridge_path::scale() const {
  return state_->scale;
}
DNALM_INLINE double ridge_path::penalty_unit() const {
  return state_->unit;
}
DNALM_INLINE bool ridge_path::cheap_penalties() const {
  return state_->system->tridiagonal();
}
DNALM_INLINE std::string_view ridge_path::method() const {
  if (state_->dual) return cheap_penalties() ? "dual tridiagonal" : "dual cholesky";
  return cheap_penalties() ? "primal tridiagonal" : "primal cholesky";
}

DNALM_INLINE std::vector<ridge_solution> ridge_path::solve(std::span<const double> lambdas) const {
  const Eigen::MatrixXd weights = state_->standardised_weights(lambdas);
  std::vector<ridge_solution> models;
  for (std::size_t i = 0; i < lambdas.size(); ++i) {
    models.push_back(state_->unscale(weights, static_cast<index_t>(i) * targets(), lambdas[i]));
  }
  return models;
}

DNALM_INLINE ridge_solution ridge_path::solve(double lambda) const {
  return std::move(solve(std::span<const double>(&lambda, 1)).front());
}

DNALM_INLINE double ridge_path::degrees_of_freedom(double lambda) const {
  detail::check_penalty(lambda);
  return state_->system->effective_rank(lambda) + 1;
}

DNALM_INLINE std::vector<double> ridge_path::gcv(double lambda) const {
  const auto count = state_->weight;
  const double left = count - degrees_of_freedom(lambda);
  const Eigen::MatrixXd weights = state_->standardised_weights(std::span<const double>(&lambda, 1));
  std::vector<double> scores;
  for (index_t t = 0; t < targets(); ++t) {
    const double squares = state_->residual_squares(weights, t, lambda);
    const bool saturated = left <= 1e-9 * count;
    scores.push_back(saturated ? std::numeric_limits<double>::infinity() : count * squares / (left * left));
  }
  return scores;
}

DNALM_INLINE std::vector<moment_scores> score_moments(std::span<const ridge_solution> models,
                                                      const ridge_moments& rows) {
  index_t columns = 0;
  for (const auto& model : models) {
    if (model.features != rows.features || model.targets != rows.targets) {
      detail::throw_statistics_shape(
          std::to_string(rows.features) + " features and " + std::to_string(rows.targets) + " targets",
          std::to_string(model.features) + " and " + std::to_string(model.targets));
    }
    columns += model.targets;
  }
  Eigen::MatrixXd weights(rows.features, columns);
  index_t next = 0;
  for (const auto& model : models) {
    for (index_t t = 0; t < model.targets; ++t, ++next) {
      std::copy_n(model.weights.data() + t * model.features, model.features, weights.col(next).data());
    }
  }
  const Eigen::Map<const Eigen::MatrixXd> gram(rows.gram.data(), rows.features, rows.features);
  const Eigen::MatrixXd product = gram * weights;
  std::vector<moment_scores> all;
  next = 0;
  for (const auto& model : models) {
    moment_scores scores;
    for (std::size_t t = 0; t < static_cast<std::size_t>(model.targets); ++t, ++next) {
      const double* w = weights.col(next).data();
      const double spread = detail::dot_in_lanes(w, product.col(next).data(), rows.features);
      const double* cross = rows.cross.data() + static_cast<index_t>(t) * rows.features;
      const double shared = detail::dot_in_lanes(w, cross, rows.features);
      const double offset =
          rows.mean_y[t] - detail::dot_in_lanes(w, rows.mean_x.data(), rows.features) - model.intercept[t];
      const double residual = std::max(0.0, rows.yy[t] - 2 * shared + spread);
      const double mse = residual / rows.weight + offset * offset;
      scores.mse.push_back(mse);
      scores.r2.push_back(rows.yy[t] > 0 ? 1 - mse * rows.weight / rows.yy[t]
                                         : std::numeric_limits<double>::quiet_NaN());
      scores.pearson.push_back(metrics::detail::correlation_of(spread, rows.yy[t], shared));
    }
    all.push_back(std::move(scores));
  }
  return all;
}

DNALM_INLINE moment_scores score_moments(const ridge_solution& model, const ridge_moments& rows) {
  return std::move(score_moments(std::span<const ridge_solution>(&model, 1), rows).front());
}

namespace detail {

/// A matrix S with S'S = (G + lambda)^{-1} (pseudo-inverse for lambda = 0): h_ii = 1/n + |S z_i|^2.
[[nodiscard]] inline Eigen::MatrixXd inverse_root(const Eigen::MatrixXd& gram, double lambda, index_t rows) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram);
  const Eigen::VectorXd& values = solver.eigenvalues();
  const double cutoff = eigenvalue_cutoff(values, rows);
  Eigen::MatrixXd root = solver.eigenvectors().transpose();
  for (index_t i = 0; i < values.size(); ++i) {
    const double value = std::max(values[i], 0.0) + lambda;
    root.row(i) *= value > cutoff || lambda > 0 ? 1 / std::sqrt(value) : 0.0;
  }
  return root;
}

/// (x - mean) / scale of one row.
inline void standardise_row(vector_view<const double> x, const ridge_path& path, Eigen::VectorXd& z) {
  for (index_t d = 0; d < x.size; ++d) {
    const auto column = static_cast<std::size_t>(d);
    z[d] = (x[d] - path.mean()[column]) * inverse_or_zero(path.scale()[column]);
  }
}

[[nodiscard]] inline Eigen::MatrixXd standardised_gram(const ridge_moments& training,
                                                       const ridge_path& path) {
  const index_t width = training.features;
  Eigen::MatrixXd gram(width, width);
  for (index_t i = 0; i < width; ++i) {
    const double left = inverse_or_zero(path.scale()[static_cast<std::size_t>(i)]);
    for (index_t j = 0; j < width; ++j) {
      gram(j, i) = training.gram[static_cast<std::size_t>(i * width + j)] * left *
                   inverse_or_zero(path.scale()[static_cast<std::size_t>(j)]);
    }
  }
  return gram;
}

}  // namespace detail

DNALM_INLINE std::vector<double> leave_one_out_residuals(const ridge_moments& training,
                                                         matrix_view<const double> x,
                                                         matrix_view<const double> y, double lambda,
                                                         const ridge_options& options) {
  if (x.rows != training.rows || y.rows != x.rows || x.columns != training.features ||
      y.columns != training.targets || training.weight != static_cast<double>(training.rows)) {
    detail::throw_statistics_shape("the unweighted rows that made the statistics",
                                   std::to_string(x.rows) + " x " + std::to_string(x.columns));
  }
  const ridge_path path(training, options);
  const auto model = path.solve(lambda);
  const Eigen::MatrixXd root =
      detail::inverse_root(detail::standardised_gram(training, path), lambda, x.rows);
  std::vector<double> residuals;
  Eigen::VectorXd z(x.columns);
  for (index_t row = 0; row < x.rows; ++row) {
    detail::standardise_row(x.row(row), path, z);
    const Eigen::VectorXd mapped = root * z;
    const double leverage =
        1 / static_cast<double>(x.rows) + detail::dot_in_lanes(mapped.data(), mapped.data(), mapped.size());
    for (index_t t = 0; t < y.columns; ++t) {
      const double* weights = model.weights.data() + t * x.columns;
      const double fitted = detail::dot_in_lanes(weights, x.row_data(row), x.columns) +
                            model.intercept[static_cast<std::size_t>(t)];
      const double left = 1 - leverage;
      residuals.push_back(left > 1e-12 ? (y(row, t) - fitted) / left
                                       : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return residuals;
}

DNALM_INLINE std::vector<double> default_penalties(double unit) {
  std::vector<double> penalties;
  for (int i = 0; i <= 40; ++i) penalties.push_back(unit * std::pow(10.0, -4 + 0.25 * i));
  return penalties;
}

DNALM_END_NAMESPACE
