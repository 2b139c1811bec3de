// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Ridge regression and ordinary least squares for many penalties, from statistics or from rows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/probe/ridge_statistics.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// How a system (A + lambda I) X = B is solved for many lambda. The numbers agree to rounding.
enum class ridge_method {
  automatic,    ///< tridiagonal up to a width of 2048, Cholesky beyond
  tridiagonal,  ///< A = Q T Q' once (Householder), then O(n) per penalty and target
  cholesky      ///< one factorisation per penalty: for wide features and few penalties
};

struct ridge_options {
  bool standardize = true;  ///< divide by the population standard deviation of the training rows
  ridge_method method = ridge_method::automatic;
};

/// A solved model on the original scale of the features: y = weights' x + intercept.
struct ridge_solution {
  double lambda = 0;
  index_t features = 0;
  index_t targets = 0;
  std::vector<double> weights;    ///< (T, D) row-major
  std::vector<double> intercept;  ///< (T)
};

/// Ridge regression of one set of training rows, ready for any penalty:
/// min over (w, b) of sum (y - w'z - b)^2 + lambda |w|^2, the intercept unpenalised, z = (x - mean) / scale.
///
/// lambda is scikit-learn's `alpha` of Ridge fitted on the same (standardised) features. Columns without
/// variance get weight 0. lambda = 0 is ordinary least squares by the pseudo-inverse (eigenvalues of the Gram
/// matrix below 10 max(D, n) epsilon times the largest count as zero; minimum norm in z). Primal (moments):
/// works on G, D x D. Dual (rows): works on Z Z', n x n; for D > n.
class ridge_path {
 public:
  /// Primal, from statistics. \throws error [dnalm.input.524] without rows.
  explicit ridge_path(const ridge_moments& training, const ridge_options& options = {});
  /// Dual, from rows: x (n, D), y (n, T) without missing labels. Same answers; memory n^2 + n D doubles.
  /// \throws error [dnalm.shape.520], [dnalm.numeric.521], [dnalm.input.524], [dnalm.input.536].
  ridge_path(matrix_view<const float> x, matrix_view<const double> y, const ridge_options& options = {});
  ridge_path(matrix_view<const double> x, matrix_view<const double> y, const ridge_options& options = {});
  ~ridge_path();
  ridge_path(ridge_path&&) noexcept;
  ridge_path& operator=(ridge_path&&) noexcept;

  [[nodiscard]] index_t features() const;
  [[nodiscard]] index_t targets() const;
  [[nodiscard]] index_t rows() const;
  [[nodiscard]] const std::vector<double>& mean() const;  ///< (D) of the training rows
  [[nodiscard]] const std::vector<double>& scale()
      const;  ///< (D) population standard deviation; 0: dropped column
  /// The unit of relative penalties: trace of the (standardised) Gram matrix over the number of kept columns;
  /// with standardisation this is the sum of weights. 1 when no column is kept.
  [[nodiscard]] double penalty_unit() const;
  /// How the many penalties are solved: `primal tridiagonal`, `dual cholesky`, ...
  [[nodiscard]] std::string_view method() const;
  /// True when one more penalty costs O(width^2) rather than O(width^3).
  [[nodiscard]] bool cheap_penalties() const;

  /// The model at one penalty. \throws error [dnalm.usage.528] for a negative or non-finite penalty.
  [[nodiscard]] ridge_solution solve(double lambda) const;
  /// Models at several penalties, faster than one by one. \throws as solve.
  [[nodiscard]] std::vector<ridge_solution> solve(std::span<const double> lambdas) const;
  /// Effective parameters, the intercept included: sum e / (e + lambda) + 1. \throws as solve.
  [[nodiscard]] double degrees_of_freedom(double lambda) const;
  /// Generalised cross-validation per target: n RSS / (n - degrees_of_freedom)^2. \throws as solve.
  [[nodiscard]] std::vector<double> gcv(double lambda) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Error of a model on rows known only by their moments:
/// n MSE = yy - 2 w'C + w'Gw + n (my - w'mx - b)^2; also Pearson's r and R2.
struct moment_scores {
  std::vector<double> mse;      ///< (T)
  std::vector<double> r2;       ///< (T); NaN for constant labels
  std::vector<double> pearson;  ///< (T); NaN for constant labels or predictions
};
/// \throws error [dnalm.shape.520] when model and moments differ in shape. Cost: O(D^2 T).
[[nodiscard]] moment_scores score_moments(const ridge_solution& model, const ridge_moments& rows);
/// The same for several models in one product.
[[nodiscard]] std::vector<moment_scores> score_moments(std::span<const ridge_solution> models,
                                                       const ridge_moments& rows);

/// Leave-one-out residuals y_i - f_{-i}(x_i) of every training row and target, exact for a fixed
/// standardisation: r_i / (1 - h_ii), h_ii = w/n + z_i' (G + lambda)^{-1} z_i. The second pass over the rows
/// that statistics alone cannot replace. A row whose h_ii is 1 gets NaN. \param x (n, D), y (n, T): the rows
/// that made `training`. \returns (n, T) row-major. \throws error [dnalm.shape.520], [dnalm.usage.528]. Cost:
/// O(D^3 + n D^2).
[[nodiscard]] std::vector<double> leave_one_out_residuals(const ridge_moments& training,
                                                          matrix_view<const double> x,
                                                          matrix_view<const double> y, double lambda,
                                                          const ridge_options& options = {});

/// The default penalties: 41 points, logarithmic from 1e-4 to 1e6, times `unit` (ridge_path::penalty_unit).
[[nodiscard]] std::vector<double> default_penalties(double unit);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/ridge_impl.hpp>
#endif
