// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/logistic.hpp: Newton and preconditioned L-BFGS.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>

#include <Eigen/Cholesky>

#include <dnalm/probe/detail/eigen_objects.hpp>
#include <dnalm/probe/detail/logistic_problem.hpp>
#include <dnalm/probe/logistic.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

inline constexpr index_t widest_newton = 128;
inline constexpr index_t widest_preconditioner = 4096;

/// A point of the search with its objective and gradient.
struct search_point {
  Eigen::MatrixXd theta;
  Eigen::MatrixXd gradient;
  double value = 0;

  [[nodiscard]] double largest_gradient() const {
    double largest = 0;
    for (index_t i = 0; i < gradient.size(); ++i) largest = std::max(largest, std::abs(gradient.data()[i]));
    return largest;
  }
};

[[nodiscard]] inline double inner_product(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return dot_in_lanes(a.data(), b.data(), a.size());
}

[[nodiscard]] inline search_point point_at(const logistic_problem& problem, Eigen::MatrixXd theta,
                                           double lambda) {
  search_point point;
  point.theta = std::move(theta);
  point.value = problem.evaluate(point.theta, lambda, point.gradient);
  return point;
}

/// Walks along a descent direction to a point that fulfils the weak Wolfe conditions (bisection and
/// expansion); where the objective only differs by rounding, the slope decides (Hager and Zhang's approximate
/// condition). Nothing when no step of at least 2^-40 does.
[[nodiscard]] inline std::optional<search_point> line_search(const logistic_problem& problem,
                                                             const search_point& from,
                                                             const Eigen::MatrixXd& direction,
                                                             double lambda) {
  const double slope = inner_product(from.gradient, direction);
  if (!(slope < 0)) return std::nullopt;
  const double noise = 1e-14 * std::max(1.0, std::abs(from.value));
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
  double step = 1;
  for (int trial = 0; trial < 60 && step > 0x1.0p-40; ++trial) {
    search_point next = point_at(problem, from.theta + step * direction, lambda);
    const double end_slope = inner_product(next.gradient, direction);
    const bool decreases = next.value <= from.value + 1e-4 * step * slope ||
                           (next.value <= from.value + noise && end_slope <= 0.9998 * -slope);
    if (!std::isfinite(next.value) || !decreases) {
      high = step;
    } else if (end_slope < 0.9 * slope) {
      low = step;
    } else {
      return next;
    }
    step = std::isfinite(high) ? (low + high) / 2 : 2 * low;
  }
  return std::nullopt;
}

/// Newton with the full Hessian. Returns the number of iterations; `point` ends at the last one.
[[nodiscard]] inline index_t run_newton(const logistic_problem& problem, double lambda, double tolerance,
                                        index_t max_iterations, search_point& point) {
  for (index_t iteration = 0; iteration < max_iterations; ++iteration) {
    if (point.largest_gradient() <= tolerance) return iteration;
    const Eigen::LLT<Eigen::MatrixXd> factor(problem.hessian(point.theta, lambda));
    Eigen::VectorXd step = Eigen::Map<const Eigen::VectorXd>(point.gradient.data(), point.gradient.size());
    if (factor.info() == Eigen::Success) factor.solveInPlace(step);
    const Eigen::MatrixXd direction =
        -Eigen::Map<const Eigen::MatrixXd>(step.data(), point.theta.rows(), point.theta.cols());
    auto next = line_search(problem, point, direction, lambda);
    if (!next) return iteration;  // rounding leaves nothing to gain
    point = std::move(*next);
  }
  return max_iterations;
}

/// Approximate inverse Hessian: (c Gram / S + lambda / S)^{-1} per output, c the start's mean curvature.
class logistic_preconditioner {
 public:
  logistic_preconditioner(const logistic_problem& problem, const Eigen::MatrixXd& gram, double lambda)
      : curvature_(problem.start_curvature()) {
    const double ridge = lambda / problem.total();
    if (gram.cols() == 1 && gram.rows() != 1) {  // diagonal only
      diagonal_ = (curvature_ * gram.col(0).array() + ridge).inverse().matrix();
      return;
    }
    Eigen::MatrixXd shifted = curvature_ * gram;
    shifted.diagonal().array() += ridge;
    factor_.compute(shifted);
    if (factor_.info() != Eigen::Success) {
      diagonal_ = (curvature_ * gram.diagonal().array() + ridge).inverse().matrix();
    }
  }

  [[nodiscard]] Eigen::MatrixXd apply(const Eigen::MatrixXd& gradient) const {
    Eigen::MatrixXd result = gradient;
    const index_t features = gradient.rows() - 1;
    if (diagonal_.size() > 0) {
      for (index_t k = 0; k < gradient.cols(); ++k) {
        for (index_t d = 0; d < features; ++d) result(d, k) *= diagonal_[d];
      }
    } else {
      Eigen::MatrixXd top = gradient.topRows(features);
      factor_.solveInPlace(top);
      result.topRows(features) = top;
    }
    result.row(features) /= curvature_;
    return result;
  }

 private:
  double curvature_;
  Eigen::LLT<Eigen::MatrixXd> factor_;
  Eigen::VectorXd diagonal_;
};

/// A step of L-BFGS: change of the point, change of the gradient, 1 / (s'y).
struct secant_pair {
  Eigen::MatrixXd step;
  Eigen::MatrixXd change;
  double inverse = 0;
};

/// Two-loop recursion (Nocedal 1980) on top of the preconditioner.
[[nodiscard]] inline Eigen::MatrixXd lbfgs_direction(const search_point& point,
                                                     const std::deque<secant_pair>& pairs,
                                                     const logistic_preconditioner& preconditioner) {
  Eigen::MatrixXd direction = point.gradient;
  std::vector<double> factors(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    factors[i] = pairs[i].inverse * inner_product(pairs[i].step, direction);
    direction -= factors[i] * pairs[i].change;
  }
  direction = preconditioner.apply(direction);
  if (!pairs.empty()) {
    const auto& last = pairs.back();
    const double size = inner_product(last.change, preconditioner.apply(last.change));
    if (size > 0) direction *= 1 / (last.inverse * size);
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double factor = pairs[i].inverse * inner_product(pairs[i].change, direction);
    direction += (factors[i] - factor) * pairs[i].step;
  }
  return -direction;
}

[[nodiscard]] inline index_t run_lbfgs(const logistic_problem& problem, double lambda, double tolerance,
                                       index_t max_iterations, const Eigen::MatrixXd& gram,
                                       search_point& point) {
  const logistic_preconditioner preconditioner(problem, gram, lambda);
  std::deque<secant_pair> pairs;
  for (index_t iteration = 0; iteration < max_iterations; ++iteration) {
    if (point.largest_gradient() <= tolerance) return iteration;
    auto next = line_search(problem, point, lbfgs_direction(point, pairs, preconditioner), lambda);
    if (!next) {
      if (pairs.empty()) return iteration;
      pairs.clear();
      continue;
    }
    secant_pair pair{next->theta - point.theta, next->gradient - point.gradient, 0};
    const double product = inner_product(pair.step, pair.change);
    pair.inverse = 1 / product;
    if (product > 0 && std::isfinite(pair.inverse)) pairs.push_back(std::move(pair));
    if (pairs.size() > 10) pairs.pop_front();
    point = std::move(*next);
  }
  return max_iterations;
}

inline void check_logistic_shape(index_t rows, index_t columns, std::size_t classes, std::size_t weights,
                                 index_t class_count) {
  if (rows == static_cast<index_t>(classes) && rows > 0 && columns > 0 && class_count >= 2 &&
      (weights == 0 || weights == classes)) {
    return;
  }
  throw error(error_kind::shape, 520, "sizes of features and classes do not agree",
              {.where = "logistic regression",
               .expected = "one class number per row, at least two classes, one row and one feature",
               .found = std::to_string(rows) + " x " + std::to_string(columns) + " features, " +
                        std::to_string(classes) + " labels, " + std::to_string(class_count) + " classes"});
}

inline void check_logistic_labels(std::span<const index_t> classes, index_t class_count,
                                  std::span<const double> weight) {
  std::vector<index_t> rows(static_cast<std::size_t>(class_count), 0);
  for (const index_t label : classes) {
    if (label < 0 || label >= class_count) check_logistic_shape(1, 0, 0, 0, class_count);
    ++rows[static_cast<std::size_t>(label)];
  }
  for (index_t k = 0; k < class_count; ++k) {
    if (rows[static_cast<std::size_t>(k)] > 0) continue;
    throw error(error_kind::input, 523, "training labels are constant or a class has no row",
                {.where = "class number " + std::to_string(k),
                 .expected = "at least one training row of each class",
                 .found = "none"});
  }
  for (const double share : weight) {
    if (share > 0 && std::isfinite(share)) continue;
    throw error(error_kind::usage, 541, "a row has an impossible weight",
                {.expected = "a positive number", .found = std::to_string(share)});
  }
}

}  // namespace detail

/// The rows, the last solution, and the Gram matrix once L-BFGS has asked for it.
struct logistic_path::state {
  state() { detail::check_eigen_objects(); }

  logistic_options options;
  std::unique_ptr<detail::logistic_problem> problem;
  Eigen::MatrixXd theta;
  Eigen::MatrixXd gram;

  template <class Number>
  static std::unique_ptr<state> make(matrix_view<const Number> x, std::span<const index_t> classes,
                                     index_t class_count, const logistic_options& options,
                                     std::span<const double> weight, std::span<const index_t> rows) {
    const index_t used = rows.empty() ? x.rows : static_cast<index_t>(rows.size());
    detail::check_logistic_shape(used, x.columns, classes.size(), weight.size(), class_count);
    detail::check_logistic_labels(classes, class_count, weight);
    std::vector<index_t> chosen(rows.begin(), rows.end());
    for (const index_t row : chosen) {
      if (row < 0 || row >= x.rows) detail::check_logistic_shape(row, 0, 0, 0, class_count);
    }
    auto read = [x, chosen = std::move(chosen)](index_t i, double* out) {
      const Number* from = x.row_data(chosen.empty() ? i : chosen[static_cast<std::size_t>(i)]);
      for (index_t d = 0; d < x.columns; ++d) out[d] = static_cast<double>(from[d]);
    };
    auto made = std::make_unique<state>();
    made->options = options;
    made->problem = std::make_unique<detail::logistic_problem>(used, x.columns, std::move(read), classes,
                                                               class_count, weight, options);
    made->theta = made->problem->start();
    return made;
  }

  [[nodiscard]] bool use_newton() const {
    if (options.method != logistic_method::automatic) return options.method == logistic_method::newton;
    return theta.size() <= detail::widest_newton;
  }

  void prepare_gram() {
    if (gram.size() > 0) return;
    if (problem->features() <= detail::widest_preconditioner) {
      gram = problem->mean_gram();
    } else {
      gram = Eigen::MatrixXd::Ones(problem->features(), 1);
    }
  }

  [[nodiscard]] logistic_solution describe(const detail::search_point& point, double lambda) const {
    const index_t features = problem->features();
    logistic_solution model;
    model.lambda = lambda;
    model.features = features;
    model.outputs = problem->outputs();
    model.mean = problem->mean();
    model.scale = problem->scale();
    model.objective = point.value;
    model.gradient = point.largest_gradient();
    model.weights.resize(static_cast<std::size_t>(features * model.outputs));
    double middle = 0;
    for (index_t k = 0; k < model.outputs; ++k) {
      double* weights = model.weights.data() + k * features;
      for (index_t d = 0; d < features; ++d) {
        weights[d] = point.theta(d, k) * detail::inverse_or_zero(model.scale[static_cast<std::size_t>(d)]);
      }
      const double shift = detail::dot_in_lanes(weights, model.mean.data(), features);
      model.intercept.push_back(point.theta(features, k) - shift);
      middle += model.intercept.back() / static_cast<double>(model.outputs);
    }
    if (model.outputs > 1) {
      for (auto& value : model.intercept) value -= middle;
    }
    return model;
  }
};

DNALM_INLINE logistic_path::logistic_path(matrix_view<const float> x, std::span<const index_t> classes,
                                          index_t class_count, const logistic_options& options,
                                          std::span<const double> weight, std::span<const index_t> rows)
    : state_(state::make(x, classes, class_count, options, weight, rows)) {}
DNALM_INLINE logistic_path::logistic_path(matrix_view<const double> x, std::span<const index_t> classes,
                                          index_t class_count, const logistic_options& options,
                                          std::span<const double> weight, std::span<const index_t> rows)
    : state_(state::make(x, classes, class_count, options, weight, rows)) {}
DNALM_INLINE logistic_path::~logistic_path() = default;
DNALM_INLINE logistic_path::logistic_path(logistic_path&&) noexcept = default;
DNALM_INLINE logistic_path& logistic_path::operator=(logistic_path&&) noexcept = default;

DNALM_INLINE double logistic_path::penalty_unit() const {
  return state_->problem->total();
}

DNALM_INLINE logistic_solution logistic_path::solve(double lambda) {
  if (!(lambda > 0) || !std::isfinite(lambda)) {
    throw error(error_kind::usage, 528, "impossible logistic penalty",
                {.expected = "a positive, finite number", .found = std::to_string(lambda)});
  }
  const auto& problem = *state_->problem;
  const double tolerance = state_->options.tolerance * problem.gradient_scale();
  auto point = detail::point_at(problem, state_->theta, lambda);
  index_t iterations = 0;
  if (state_->use_newton()) {
    iterations = detail::run_newton(problem, lambda, tolerance, state_->options.max_iterations, point);
  } else {
    state_->prepare_gram();
    iterations =
        detail::run_lbfgs(problem, lambda, tolerance, state_->options.max_iterations, state_->gram, point);
  }
  state_->theta = point.theta;
  auto model = state_->describe(point, lambda);
  model.iterations = iterations;
  model.converged = model.gradient <= std::max(tolerance, 1e-8 * problem.gradient_scale());
  return model;
}

DNALM_INLINE logistic_solution fit_logistic(matrix_view<const double> x, std::span<const index_t> classes,
                                            index_t class_count, double lambda,
                                            const logistic_options& options, std::span<const double> weight) {
  return logistic_path(x, classes, class_count, options, weight).solve(lambda);
}

DNALM_INLINE std::vector<double> class_probabilities(matrix_view<const double> outputs) {
  std::vector<double> probabilities;
  for (index_t row = 0; row < outputs.rows; ++row) {
    if (outputs.columns == 1) {
      const double score = outputs(row, 0);
      const double small = std::exp(-std::abs(score));
      const double one = score >= 0 ? 1 / (1 + small) : small / (1 + small);
      const double zero = score >= 0 ? small / (1 + small) : 1 / (1 + small);
      probabilities.push_back(zero);
      probabilities.push_back(one);
      continue;
    }
    double largest = outputs(row, 0);
    for (index_t k = 1; k < outputs.columns; ++k) largest = std::max(largest, outputs(row, k));
    double sum = 0;
    for (index_t k = 0; k < outputs.columns; ++k) sum += std::exp(outputs(row, k) - largest);
    for (index_t k = 0; k < outputs.columns; ++k) {
      probabilities.push_back(std::exp(outputs(row, k) - largest) / sum);
    }
  }
  return probabilities;
}

DNALM_INLINE std::vector<double> default_logistic_penalties(double unit) {
  std::vector<double> penalties;
  for (int i = 0; i <= 12; ++i) penalties.push_back(unit * std::pow(10.0, 1 - 0.5 * i));
  return penalties;
}

DNALM_END_NAMESPACE
