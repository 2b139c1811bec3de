// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The loss of logistic regression with its derivatives, summed in fixed blocks and lanes.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <Eigen/Core>

#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/probe/detail/lanes.hpp>
#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/logistic_options.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// Rows of a classification problem, centred and scaled when they are read.
///
/// The parameters of output k are column k of a (D + 1, outputs) matrix: weights, then the intercept, all on
/// the centred and scaled features. Centring does not touch the penalty, because intercepts are free.
class logistic_problem {
 public:
  static constexpr index_t block_rows = 256;
  static constexpr index_t lanes = 16;
  static constexpr index_t cached_numbers = index_t{1} << 22;

  using row_reader = std::function<void(index_t row, double* out)>;

  logistic_problem(index_t rows, index_t features, row_reader read, std::span<const index_t> classes,
                   index_t class_count, std::span<const double> weight, const logistic_options& options)
      : rows_(rows),
        features_(features),
        outputs_(class_count == 2 ? 1 : class_count),
        read_(std::move(read)),
        classes_(classes.begin(), classes.end()),
        weight_(weight.begin(), weight.end()),
        threads_(options.threads) {
    if (weight_.empty()) weight_.assign(static_cast<std::size_t>(rows), 1.0);
    for (const double share : weight_) total_ += share;
    measure_columns(options.standardize);
    count_classes(class_count);
    if (checked_mul(rows, features) <= cached_numbers) fill_cache();
  }

  [[nodiscard]] index_t features() const { return features_; }
  [[nodiscard]] index_t outputs() const { return outputs_; }
  [[nodiscard]] double total() const { return total_; }
  [[nodiscard]] const std::vector<double>& mean() const { return mean_; }
  [[nodiscard]] const std::vector<double>& scale() const { return scale_; }
  [[nodiscard]] double gradient_scale() const { return gradient_scale_; }

  /// Zero weights and the intercepts that reproduce the shares of the classes.
  [[nodiscard]] Eigen::MatrixXd start() const {
    Eigen::MatrixXd theta = Eigen::MatrixXd::Zero(features_ + 1, outputs_);
    if (outputs_ == 1) {
      theta(features_, 0) = std::log(share_[1] / share_[0]);
      return theta;
    }
    for (index_t k = 0; k < outputs_; ++k)
      theta(features_, k) = std::log(share_[static_cast<std::size_t>(k)]);
    return theta;
  }

  /// Mean of p (1 - p) over the outputs at the start: the curvature of the intercept-only model.
  [[nodiscard]] double start_curvature() const {
    double sum = 0;
    for (index_t k = 0; k < outputs_; ++k) {
      const double p = share_[static_cast<std::size_t>(k)];
      sum += p * (1 - p);
    }
    return sum / static_cast<double>(outputs_);
  }

  /// Mean loss plus penalty and its gradient at theta.
  [[nodiscard]] double evaluate(const Eigen::MatrixXd& theta, double lambda,
                                Eigen::MatrixXd& gradient) const {
    std::vector<double> losses(static_cast<std::size_t>(lanes), 0.0);
    std::vector<Eigen::MatrixXd> gradients(static_cast<std::size_t>(lanes));
    const Eigen::MatrixXd weights = theta.topRows(features_);
    parallel_for(used_lanes(), threads_, [&](index_t lane, int) {
      auto& sum = gradients[static_cast<std::size_t>(lane)];
      sum = Eigen::MatrixXd::Zero(features_ + 1, outputs_);
      for_each_block(lane, [&](index_t first, const Eigen::Map<const row_matrix>& z) {
        Eigen::MatrixXd error = z * weights;
        losses[static_cast<std::size_t>(lane)] += scores_to_errors(theta, first, error);
        sum.topRows(features_).noalias() += z.transpose() * error;
        add_column_sums(error, sum);
      });
    });
    gradient = Eigen::MatrixXd::Zero(features_ + 1, outputs_);
    double loss = 0;
    for (index_t lane = 0; lane < used_lanes(); ++lane) {
      loss += losses[static_cast<std::size_t>(lane)];
      gradient += gradients[static_cast<std::size_t>(lane)];
    }
    gradient /= total_;
    gradient.topRows(features_) += (lambda / total_) * weights;
    return loss / total_ + lambda / (2 * total_) * squared_size(weights);
  }

  /// Hessian of the same at theta, (D + 1) outputs wide, block (k, l) at (k (D + 1), l (D + 1)).
  /// For several outputs the shift of all intercepts, which changes nothing, gets curvature 1.
  [[nodiscard]] Eigen::MatrixXd hessian(const Eigen::MatrixXd& theta, double lambda) const {
    const index_t size = (features_ + 1) * outputs_;
    std::vector<Eigen::MatrixXd> sums(static_cast<std::size_t>(lanes));
    const Eigen::MatrixXd weights = theta.topRows(features_);
    parallel_for(used_lanes(), threads_, [&](index_t lane, int) {
      auto& sum = sums[static_cast<std::size_t>(lane)];
      sum = Eigen::MatrixXd::Zero(size, size);
      for_each_block(lane, [&](index_t first, const Eigen::Map<const row_matrix>& z) {
        Eigen::MatrixXd scores = z * weights;
        scores_to_probabilities(theta, scores);
        add_curvature(z, scores, first, sum);
      });
    });
    Eigen::MatrixXd hessian = Eigen::MatrixXd::Zero(size, size);
    for (index_t lane = 0; lane < used_lanes(); ++lane) hessian += sums[static_cast<std::size_t>(lane)];
    hessian /= total_;
    for (index_t k = 0; k < outputs_; ++k) {
      const index_t first = k * (features_ + 1);
      for (index_t d = 0; d < features_; ++d) hessian(first + d, first + d) += lambda / total_;
      for (index_t l = 0; l < outputs_ && outputs_ > 1; ++l) {
        hessian(first + features_, l * (features_ + 1) + features_) += 1;
      }
    }
    return hessian;
  }

  /// Z' diag(weight) Z / total.
  [[nodiscard]] Eigen::MatrixXd mean_gram() const {
    const index_t gram_lanes = std::min<index_t>(features_ <= 2048 ? 4 : 1, used_lanes());
    std::vector<Eigen::MatrixXd> sums(static_cast<std::size_t>(gram_lanes));
    parallel_for(gram_lanes, threads_, [&](index_t gram_lane, int) {
      auto& sum = sums[static_cast<std::size_t>(gram_lane)];
      sum = Eigen::MatrixXd::Zero(features_, features_);
      for (index_t lane = gram_lane; lane < used_lanes(); lane += gram_lanes) {
        for_each_block(lane, [&](index_t first, const Eigen::Map<const row_matrix>& z) {
          row_matrix weighted = z;
          for (index_t r = 0; r < z.rows(); ++r) {
            weighted.row(r) *= std::sqrt(weight_[static_cast<std::size_t>(first + r)]);
          }
          sum.selfadjointView<Eigen::Lower>().rankUpdate(weighted.transpose());
        });
      }
    });
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(features_, features_);
    for (const auto& sum : sums) gram += sum;
    gram /= total_;
    return gram;  // lower triangle
  }

  /// Squares of all entries, in a fixed order.
  [[nodiscard]] static double squared_size(const Eigen::MatrixXd& values) {
    double sum = 0;
    for (index_t c = 0; c < values.cols(); ++c) {
      const Eigen::VectorXd column = values.col(c);
      sum += dot_in_lanes(column.data(), column.data(), column.size());
    }
    return sum;
  }

 private:
  [[nodiscard]] index_t used_lanes() const {
    return std::max<index_t>(1, std::min<index_t>(lanes, (rows_ + block_rows - 1) / block_rows));
  }

  /// Blocks lane, lane + lanes, ... of the rows, centred and scaled.
  template <class Work>
  void for_each_block(index_t lane, Work&& work) const {
    row_matrix scratch;
    for (index_t first = lane * block_rows; first < rows_; first += used_lanes() * block_rows) {
      const index_t count = std::min(block_rows, rows_ - first);
      const double* from = cache_.data() + first * features_;
      if (cache_.size() == 0) {
        scratch.resize(count, features_);
        for (index_t r = 0; r < count; ++r) read_scaled(first + r, scratch.data() + r * features_);
        from = scratch.data();
      }
      work(first, Eigen::Map<const row_matrix>(from, count, features_));
    }
  }

  void read_scaled(index_t row, double* out) const {
    read_(row, out);
    for (index_t d = 0; d < features_; ++d) {
      out[d] = (out[d] - mean_[static_cast<std::size_t>(d)]) * inverse_[static_cast<std::size_t>(d)];
    }
  }

  void fill_cache() {
    row_matrix filled(rows_, features_);
    for (index_t row = 0; row < rows_; ++row) read_scaled(row, filled.data() + row * features_);
    cache_ = std::move(filled);
  }

  void measure_columns(bool standardize) {
    const auto columns = static_cast<std::size_t>(features_);
    std::vector<double> row(columns);
    std::vector<double> squares(columns, 0.0);
    mean_.assign(columns, 0.0);
    for (index_t i = 0; i < rows_; ++i) {
      read_(i, row.data());
      check_finite_row<double>({row.data(), features_}, i);
      for (std::size_t d = 0; d < columns; ++d) mean_[d] += weight_[static_cast<std::size_t>(i)] * row[d];
    }
    for (auto& value : mean_) value /= total_;
    for (index_t i = 0; i < rows_; ++i) {
      read_(i, row.data());
      for (std::size_t d = 0; d < columns; ++d) {
        squares[d] += weight_[static_cast<std::size_t>(i)] * (row[d] - mean_[d]) * (row[d] - mean_[d]);
      }
    }
    for (std::size_t d = 0; d < columns; ++d) {
      scale_.push_back(column_scale(squares[d], total_, mean_[d], standardize));
      inverse_.push_back(inverse_or_zero(scale_.back()));
      gradient_scale_ = std::max(gradient_scale_, std::sqrt(squares[d] / total_) * inverse_.back());
    }
  }

  void count_classes(index_t class_count) {
    share_.assign(static_cast<std::size_t>(class_count), 0.0);
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      share_[static_cast<std::size_t>(classes_[i])] += weight_[i] / total_;
    }
  }

  /// Raw scores (block, outputs) become weighted derivatives of the losses; returns the block's loss.
  [[nodiscard]] double scores_to_errors(const Eigen::MatrixXd& theta, index_t first,
                                        Eigen::MatrixXd& scores) const {
    double loss = 0;
    for (index_t r = 0; r < scores.rows(); ++r) {
      const auto row = static_cast<std::size_t>(first + r);
      const index_t truth = classes_[row];
      if (outputs_ == 1) {
        const double score = scores(r, 0) + theta(features_, 0);
        loss += weight_[row] *
                (std::max(score, 0.0) + std::log1p(std::exp(-std::abs(score))) - (truth == 1 ? score : 0.0));
        scores(r, 0) = weight_[row] * (logistic(score) - (truth == 1 ? 1.0 : 0.0));
        continue;
      }
      const double own = scores(r, truth) + theta(features_, truth);
      loss += weight_[row] * (softmax_row(theta, scores, r) - own);
      scores(r, truth) -= 1;
      for (index_t k = 0; k < outputs_; ++k) scores(r, k) *= weight_[row];
    }
    return loss;
  }

  void scores_to_probabilities(const Eigen::MatrixXd& theta, Eigen::MatrixXd& scores) const {
    for (index_t r = 0; r < scores.rows(); ++r) {
      if (outputs_ == 1) {
        scores(r, 0) = logistic(scores(r, 0) + theta(features_, 0));
      } else {
        (void)softmax_row(theta, scores, r);
      }
    }
  }

  [[nodiscard]] static double logistic(double score) {
    const double small = std::exp(-std::abs(score));
    return score >= 0 ? 1 / (1 + small) : small / (1 + small);
  }

  /// Replaces row r by its softmax (intercepts added) and returns the logarithm of the normaliser.
  [[nodiscard]] double softmax_row(const Eigen::MatrixXd& theta, Eigen::MatrixXd& scores, index_t r) const {
    double largest = scores(r, 0) + theta(features_, 0);
    for (index_t k = 0; k < outputs_; ++k) {
      scores(r, k) += theta(features_, k);
      largest = std::max(largest, scores(r, k));
    }
    double sum = 0;
    for (index_t k = 0; k < outputs_; ++k) {
      scores(r, k) = std::exp(scores(r, k) - largest);
      sum += scores(r, k);
    }
    for (index_t k = 0; k < outputs_; ++k) scores(r, k) /= sum;
    return largest + std::log(sum);
  }

  void add_column_sums(const Eigen::MatrixXd& error, Eigen::MatrixXd& sum) const {
    for (index_t k = 0; k < outputs_; ++k) {
      double column = 0;
      for (index_t r = 0; r < error.rows(); ++r) column += error(r, k);
      sum(features_, k) += column;
    }
  }

  /// Adds [z 1]' diag(w p_k (delta_kl - p_l)) [z 1] to every block (k, l).
  void add_curvature(const Eigen::Map<const row_matrix>& z, const Eigen::MatrixXd& p, index_t first,
                     Eigen::MatrixXd& sum) const {
    const index_t width = features_ + 1;
    row_matrix extended(z.rows(), width);
    extended.leftCols(features_) = z;
    extended.col(features_).setOnes();
    for (index_t k = 0; k < outputs_; ++k) {
      for (index_t l = 0; l <= k; ++l) {
        row_matrix scaled = extended;
        for (index_t r = 0; r < z.rows(); ++r) {
          const double curvature = p(r, k) * ((k == l ? 1.0 : 0.0) - p(r, l));
          scaled.row(r) *= weight_[static_cast<std::size_t>(first + r)] * curvature;
        }
        const Eigen::MatrixXd block = scaled.transpose() * extended;
        sum.block(k * width, l * width, width, width) += block;
        if (l < k) sum.block(l * width, k * width, width, width) += block.transpose();
      }
    }
  }

  index_t rows_;
  index_t features_;
  index_t outputs_;
  row_reader read_;
  std::vector<index_t> classes_;
  std::vector<double> weight_;
  int threads_;
  double total_ = 0;
  double gradient_scale_ = 1;
  std::vector<double> mean_;
  std::vector<double> scale_;
  std::vector<double> inverse_;
  std::vector<double> share_;
  row_matrix cache_;
};

}  // namespace detail

DNALM_END_NAMESPACE
