// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Logistic regression with two or more classes, L2-penalised, solved to the optimum.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/probe/logistic_options.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// A fitted model on the original scale of the features. Two classes: one column of weights, the log-odds of
/// class 1. K > 2 classes: K columns, softmax; intercepts sum to 0.
struct logistic_solution {
  double lambda = 0;
  index_t features = 0;
  index_t outputs = 0;            ///< 1 for two classes, K otherwise
  std::vector<double> weights;    ///< (outputs, D) row-major
  std::vector<double> intercept;  ///< (outputs)
  std::vector<double> mean;       ///< (D) of the training rows (0 without standardisation)
  std::vector<double> scale;      ///< (D) population standard deviation (1 without); 0: dropped column
  double objective = 0;           ///< mean loss plus penalty at the end
  double gradient = 0;            ///< largest gradient entry at the end
  index_t iterations = 0;
  bool converged = false;
};

/// Training rows of one classification problem, ready for any penalty, with warm starts along a path:
/// min over (W, b) of (1/S) sum_i s_i loss_i + lambda / (2 S) |W|^2, S = sum s_i, intercepts unpenalised.
///
/// lambda = 1 / C of scikit-learn's LogisticRegression on the same (standardised) features. Loss: log(1 +
/// e^-m) for two classes; -log softmax with all K columns (symmetric) otherwise: two classes in the symmetric
/// form at lambda equal the binary form at lambda / 2. Rows are summed in fixed blocks and lanes: threads
/// never change a bit.
class logistic_path {
 public:
  /// \param x (n, D), kept by reference: it must outlive the object. \param classes (n) numbers in [0, K).
  /// \param weight (n) positive or empty. \param rows (n) row numbers of x to use, or empty: all of them.
  /// \throws error [dnalm.shape.520], [dnalm.numeric.521] for NaN or infinite features, [dnalm.input.523]
  /// when a class in [0, K) has no row, [dnalm.usage.541] for a bad weight.
  logistic_path(matrix_view<const float> x, std::span<const index_t> classes, index_t class_count,
                const logistic_options& options = {}, std::span<const double> weight = {},
                std::span<const index_t> rows = {});
  logistic_path(matrix_view<const double> x, std::span<const index_t> classes, index_t class_count,
                const logistic_options& options = {}, std::span<const double> weight = {},
                std::span<const index_t> rows = {});
  ~logistic_path();
  logistic_path(logistic_path&&) noexcept;
  logistic_path& operator=(logistic_path&&) noexcept;

  /// Sum of weights: the unit of relative penalties.
  [[nodiscard]] double penalty_unit() const;
  /// The optimum at one penalty, starting from the last solution. The end point depends on the start only
  /// within the tolerance; call in the same order for the same bits. \throws error [dnalm.usage.528] unless
  /// lambda is positive and finite. \returns converged = false when max_iterations did not suffice.
  [[nodiscard]] logistic_solution solve(double lambda);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// One penalty without a path. \throws as logistic_path.
[[nodiscard]] logistic_solution fit_logistic(matrix_view<const double> x, std::span<const index_t> classes,
                                             index_t class_count, double lambda,
                                             const logistic_options& options = {},
                                             std::span<const double> weight = {});

/// Class probabilities (n, K) of raw outputs (n, outputs): logistic of one output, softmax of K.
[[nodiscard]] std::vector<double> class_probabilities(matrix_view<const double> outputs);

/// The default penalties of a logistic path, largest first: 13 points, logarithmic from 1e1 to 1e-5, times
/// `unit`.
[[nodiscard]] std::vector<double> default_logistic_penalties(double unit);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/logistic_impl.hpp>
#endif
