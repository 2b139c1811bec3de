// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Systems (A + lambda I) X = B for one symmetric positive semi-definite A, one B and many lambda.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// Eigenvalues below this are taken for zero: 10 max(size, rows) epsilon times the largest.
[[nodiscard]] inline double eigenvalue_cutoff(const Eigen::VectorXd& values, index_t rows) {
  double largest = 0;
  for (index_t i = 0; i < values.size(); ++i) largest = std::max(largest, values[i]);
  const auto size = static_cast<double>(std::max<index_t>(values.size(), rows));
  return 10 * size * std::numeric_limits<double>::epsilon() * largest;
}

/// Solves for many lambda either in the basis where A is tridiagonal, or by one Cholesky factorisation each.
///
/// Tridiagonal: A = Q T Q', so X = Q (T + lambda)^{-1} Q'B: O(n^3) once without eigenvectors, O(n) per lambda
/// and column afterwards (LDL', stable because T + lambda is positive definite), O(n^2) to map back. lambda =
/// 0, and a lambda lost in rounding, use the pseudo-inverse.
class shifted_system {
 public:
  /// `rows` only enters the cutoff of the pseudo-inverse.
  shifted_system(Eigen::MatrixXd a, Eigen::MatrixXd b, bool tridiagonal, index_t rows)
      : right_(std::move(b)), rows_(rows) {
    if (tridiagonal && a.rows() > 1) {
      reduction_ = std::make_unique<Eigen::Tridiagonalization<Eigen::MatrixXd>>(a);
      diagonal_ = reduction_->diagonal();
      below_ = reduction_->subDiagonal();
      right_ = (reduction_->matrixQ().adjoint() * right_).eval();
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
      solver.computeFromTridiagonal(diagonal_, below_, Eigen::EigenvaluesOnly);
      eigenvalues_ = solver.eigenvalues();
    } else {
      a_ = std::move(a);
    }
  }

  [[nodiscard]] bool tridiagonal() const { return reduction_ != nullptr; }

  /// One block of columns per lambda, side by side: (size, lambdas x columns of B).
  [[nodiscard]] Eigen::MatrixXd solve(std::span<const double> lambdas) const {
    const index_t columns = right_.cols();
    Eigen::MatrixXd all(right_.rows(), checked_mul(columns, static_cast<index_t>(lambdas.size())));
    for (std::size_t i = 0; i < lambdas.size(); ++i) {
      all.middleCols(static_cast<index_t>(i) * columns, columns) = solve_in_basis(lambdas[i]);
    }
    if (tridiagonal()) all = (reduction_->matrixQ() * all).eval();
    return all;
  }

  /// Trace of A (A + lambda)^{-1}: the number of eigenvalues above the cutoff for lambda = 0.
  [[nodiscard]] double effective_rank(double lambda) const {
    if (!tridiagonal() && lambda > 0) {
      Eigen::MatrixXd shifted = a_;
      shifted.diagonal().array() += lambda;
      const Eigen::LLT<Eigen::MatrixXd> factor(shifted);
      if (factor.info() == Eigen::Success) return rank_from_factor(factor, lambda);
    }
    const Eigen::VectorXd values =
        tridiagonal()
            ? eigenvalues_
            : Eigen::VectorXd(
                  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(a_, Eigen::EigenvaluesOnly).eigenvalues());
    const double cutoff = eigenvalue_cutoff(values, rows_);
    double sum = 0;
    for (index_t i = 0; i < values.size(); ++i) {
      if (lambda > 0) sum += std::max(values[i], 0.0) / (std::max(values[i], 0.0) + lambda);
      if (lambda == 0 && values[i] > cutoff) sum += 1;
    }
    return sum;
  }

 private:
  [[nodiscard]] static double rank_from_factor(const Eigen::LLT<Eigen::MatrixXd>& factor, double lambda) {
    const index_t size = factor.rows();
    Eigen::MatrixXd inverse = Eigen::MatrixXd::Identity(size, size);
    factor.matrixL().solveInPlace(inverse);
    double trace = 0;  // of (A + lambda)^{-1} = L^{-T} L^{-1}
    for (index_t column = 0; column < size; ++column) {
      for (index_t row = column; row < size; ++row) trace += inverse(row, column) * inverse(row, column);
    }
    return std::max(0.0, static_cast<double>(size) - lambda * trace);
  }

  [[nodiscard]] Eigen::MatrixXd solve_in_basis(double lambda) const {
    Eigen::MatrixXd x = right_;
    if (lambda > 0 && (tridiagonal() ? solve_tridiagonal(lambda, x) : solve_cholesky(lambda, x))) return x;
    return pseudo_inverse(lambda);
  }

  /// LDL' of the tridiagonal T + lambda; false when a pivot is not positive.
  [[nodiscard]] bool solve_tridiagonal(double lambda, Eigen::MatrixXd& x) const {
    const index_t size = diagonal_.size();
    Eigen::VectorXd pivot(size);
    Eigen::VectorXd factor(size);
    for (index_t i = 0; i < size; ++i) {
      factor[i] = i > 0 ? below_[i - 1] / pivot[i - 1] : 0;
      pivot[i] = diagonal_[i] + lambda - (i > 0 ? factor[i] * below_[i - 1] : 0);
      if (!(pivot[i] > 0)) return false;
    }
    for (index_t c = 0; c < x.cols(); ++c) {
      for (index_t i = 1; i < size; ++i) x(i, c) -= factor[i] * x(i - 1, c);
      for (index_t i = 0; i < size; ++i) x(i, c) /= pivot[i];
      for (index_t i = size - 1; i > 0; --i) x(i - 1, c) -= factor[i] * x(i, c);
    }
    return true;
  }

  [[nodiscard]] bool solve_cholesky(double lambda, Eigen::MatrixXd& x) const {
    Eigen::MatrixXd shifted = a_;
    shifted.diagonal().array() += lambda;
    const Eigen::LLT<Eigen::MatrixXd> factor(shifted);
    if (factor.info() != Eigen::Success) return false;
    factor.solveInPlace(x);
    return true;
  }

  [[nodiscard]] Eigen::MatrixXd pseudo_inverse(double lambda) const {
    Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
    if (tridiagonal()) {
      solver.computeFromTridiagonal(diagonal_, below_, Eigen::ComputeEigenvectors);
    } else {
      solver.compute(a_);
    }
    const Eigen::VectorXd& values = solver.eigenvalues();
    const double cutoff = eigenvalue_cutoff(values, rows_);
    Eigen::MatrixXd projected = solver.eigenvectors().transpose() * right_;
    for (index_t i = 0; i < values.size(); ++i) {
      projected.row(i) *= values[i] > cutoff ? 1 / (values[i] + lambda) : 0.0;
    }
    return solver.eigenvectors() * projected;
  }

  Eigen::MatrixXd a_;      // Cholesky only
  Eigen::MatrixXd right_;  // Q'B or B
  std::unique_ptr<Eigen::Tridiagonalization<Eigen::MatrixXd>> reduction_;
  Eigen::VectorXd diagonal_;
  Eigen::VectorXd below_;
  Eigen::VectorXd eigenvalues_;
  index_t rows_;
};

}  // namespace detail

DNALM_END_NAMESPACE
