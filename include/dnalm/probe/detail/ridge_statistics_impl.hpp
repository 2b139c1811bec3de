// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/ridge_statistics.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>

#include <Eigen/Core>

#include <dnalm/core/error.hpp>
#include <dnalm/probe/detail/eigen_objects.hpp>
#include <dnalm/probe/detail/lanes.hpp>
#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/ridge_statistics.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// gram += rows' rows (lower triangle in column-major storage). The order of summation depends on the shape
/// only.
inline void add_outer_products(const row_matrix& rows, double* gram, index_t features) {
  Eigen::Map<Eigen::MatrixXd> target(gram, features, features);
  target.selfadjointView<Eigen::Lower>().rankUpdate(rows.transpose());
}

/// Copies the lower triangle (column-major) to the upper.
inline void mirror_gram(std::vector<double>& gram, index_t features) {
  for (index_t i = 0; i < features; ++i) {
    for (index_t j = i + 1; j < features; ++j) {
      gram[static_cast<std::size_t>(j * features + i)] = gram[static_cast<std::size_t>(i * features + j)];
    }
  }
}

/// mean += share (other - mean), and the difference itself.
[[nodiscard]] inline std::vector<double> shift_mean(std::vector<double>& mean,
                                                    const std::vector<double>& other, double share) {
  std::vector<double> difference(mean.size());
  for (std::size_t i = 0; i < mean.size(); ++i) {
    difference[i] = other[i] - mean[i];
    mean[i] += share * difference[i];
  }
  return difference;
}

/// A leaf of rows: weighted means, then rows centred on them and scaled by sqrt(weight), with room for one
/// more.
struct centred_leaf {
  double weight = 0;
  std::vector<double> mean_x;
  std::vector<double> mean_y;
  row_matrix x;
  row_matrix y;
};

[[nodiscard]] inline std::vector<double> weighted_mean(const std::vector<double>& rows,
                                                       const std::vector<double>& weight, double total,
                                                       std::size_t columns) {
  std::vector<double> mean(columns, 0.0);
  for (std::size_t r = 0; r < weight.size(); ++r) {
    for (std::size_t c = 0; c < columns; ++c) mean[c] += weight[r] * rows[r * columns + c];
  }
  for (auto& value : mean) value /= total;
  return mean;
}

inline void centre_rows(const std::vector<double>& rows, const std::vector<double>& weight,
                        const std::vector<double>& mean, row_matrix& out) {
  for (std::size_t r = 0; r < weight.size(); ++r) {
    const double factor = std::sqrt(weight[r]);
    double* to = out.data() + r * mean.size();
    const double* from = rows.data() + r * mean.size();
    for (std::size_t c = 0; c < mean.size(); ++c) to[c] = factor * (from[c] - mean[c]);
  }
}

[[nodiscard]] inline centred_leaf make_leaf(const std::vector<double>& x, const std::vector<double>& y,
                                            const std::vector<double>& weight, const ridge_moments& shape,
                                            bool extra_row) {
  centred_leaf leaf;
  for (const double value : weight) leaf.weight += value;
  leaf.mean_x = weighted_mean(x, weight, leaf.weight, shape.mean_x.size());
  leaf.mean_y = weighted_mean(y, weight, leaf.weight, shape.mean_y.size());
  const auto rows = static_cast<index_t>(weight.size()) + (extra_row ? 1 : 0);
  leaf.x.resize(rows, shape.features);
  leaf.y.resize(rows, shape.targets);
  centre_rows(x, weight, leaf.mean_x, leaf.x);
  centre_rows(y, weight, leaf.mean_y, leaf.y);
  return leaf;
}

/// cross += y' x and yy += squares, one row after the other.
inline void add_cross_products(const row_matrix& x, const row_matrix& y, ridge_moments& into) {
  for (index_t r = 0; r < x.rows(); ++r) {
    const double* row = x.data() + r * into.features;
    for (index_t t = 0; t < into.targets; ++t) {
      const double label = y(r, t);
      double* cross = into.cross.data() + t * into.features;
      for (index_t d = 0; d < into.features; ++d) cross[d] += label * row[d];
      into.yy[static_cast<std::size_t>(t)] += label * label;
    }
  }
}

/// Missing rows of a column as bytes: columns with equal patterns share statistics.
[[nodiscard]] inline std::vector<bool> missing_pattern(matrix_view<const double> labels, index_t column) {
  std::vector<bool> pattern(static_cast<std::size_t>(labels.rows));
  for (index_t row = 0; row < labels.rows; ++row) {
    pattern[static_cast<std::size_t>(row)] = std::isnan(labels(row, column));
  }
  return pattern;
}

}  // namespace detail

DNALM_INLINE ridge_moments make_moments(index_t features, index_t targets) {
  ridge_moments moments;
  moments.features = features;
  moments.targets = targets;
  moments.mean_x.assign(static_cast<std::size_t>(checked_size(std::initializer_list<index_t>{features})),
                        0.0);
  moments.mean_y.assign(static_cast<std::size_t>(targets), 0.0);
  moments.gram.assign(static_cast<std::size_t>(checked_mul(features, features)), 0.0);
  moments.cross.assign(static_cast<std::size_t>(checked_mul(targets, features)), 0.0);
  moments.yy.assign(static_cast<std::size_t>(targets), 0.0);
  return moments;
}

DNALM_INLINE void merge_moments(ridge_moments& into, const ridge_moments& other) {
  if (into.features != other.features || into.targets != other.targets) {
    detail::throw_statistics_shape(
        std::to_string(into.features) + " features, " + std::to_string(into.targets) + " targets",
        std::to_string(other.features) + " and " + std::to_string(other.targets));
  }
  if (other.rows == 0) return;
  if (into.rows == 0) {
    into = other;
    return;
  }
  const double total = into.weight + other.weight;
  const double factor = into.weight * (other.weight / total);
  const auto dx = detail::shift_mean(into.mean_x, other.mean_x, other.weight / total);
  const auto dy = detail::shift_mean(into.mean_y, other.mean_y, other.weight / total);
  const std::size_t features = dx.size();
  for (std::size_t i = 0; i < features; ++i) {
    const double scaled = factor * dx[i];
    for (std::size_t j = 0; j < features; ++j) {
      into.gram[i * features + j] += other.gram[i * features + j] + scaled * dx[j];
    }
  }
  for (std::size_t t = 0; t < dy.size(); ++t) {
    const double scaled = factor * dy[t];
    for (std::size_t d = 0; d < features; ++d) {
      into.cross[t * features + d] += other.cross[t * features + d] + scaled * dx[d];
    }
    into.yy[t] += other.yy[t] + scaled * dy[t];
  }
  into.rows += other.rows;
  into.weight = total;
}

DNALM_INLINE std::vector<index_t> missingness_groups(matrix_view<const double> labels) {
  std::map<std::vector<bool>, index_t> numbers;
  std::vector<index_t> groups;
  for (index_t column = 0; column < labels.columns; ++column) {
    const auto next = static_cast<index_t>(numbers.size());
    groups.push_back(numbers.try_emplace(detail::missing_pattern(labels, column), next).first->second);
  }
  return groups;
}

DNALM_INLINE ridge_statistics::ridge_statistics(index_t features, index_t targets, index_t parts,
                                                std::vector<index_t> target_group)
    : features_(features), parts_(parts), target_group_(std::move(target_group)) {
  detail::check_eigen_objects();
  if (target_group_.empty()) target_group_.assign(static_cast<std::size_t>(std::max<index_t>(targets, 0)), 0);
  if (features < 1 || parts < 1 || targets < 1 || static_cast<index_t>(target_group_.size()) != targets) {
    detail::throw_statistics_shape("at least one feature, target and part, one group per target",
                                   std::to_string(features) + ", " + std::to_string(targets) + ", " +
                                       std::to_string(parts) + ", " + std::to_string(target_group_.size()));
  }
  for (index_t t = 0; t < targets; ++t) {
    const index_t group = target_group_[static_cast<std::size_t>(t)];
    if (group < 0 || group > static_cast<index_t>(group_targets_.size())) {
      detail::throw_statistics_shape("groups numbered by first appearance", "group " + std::to_string(group));
    }
    if (group == static_cast<index_t>(group_targets_.size())) group_targets_.emplace_back();
    group_targets_[static_cast<std::size_t>(group)].push_back(t);
  }
  cells_.resize(static_cast<std::size_t>(checked_mul(groups(), parts_)));
}

DNALM_INLINE void ridge_statistics::add(matrix_view<const float> x, matrix_view<const double> y,
                                        std::span<const index_t> part, std::span<const double> weight) {
  add_rows(x, y, part, weight);
}

DNALM_INLINE void ridge_statistics::add(matrix_view<const double> x, matrix_view<const double> y,
                                        std::span<const index_t> part, std::span<const double> weight) {
  add_rows(x, y, part, weight);
}

template <class Number>
void ridge_statistics::add_rows(matrix_view<const Number> x, matrix_view<const double> y,
                                std::span<const index_t> part, std::span<const double> weight) {
  const auto rows = static_cast<index_t>(part.size());
  if (x.rows != rows || y.rows != rows || x.columns != features_ || y.columns != targets() ||
      (!weight.empty() && weight.size() != part.size())) {
    detail::throw_statistics_shape(std::to_string(rows) + " rows of " + std::to_string(features_) +
                                       " features and " + std::to_string(targets()) + " targets",
                                   std::to_string(x.rows) + " x " + std::to_string(x.columns) + ", " +
                                       std::to_string(y.rows) + " x " + std::to_string(y.columns));
  }
  for (index_t row = 0; row < rows; ++row) {
    const index_t to = part[static_cast<std::size_t>(row)];
    if (to < -1 || to >= parts_) {
      detail::throw_statistics_shape("a part below " + std::to_string(parts_), std::to_string(to));
    }
    const double share = weight.empty() ? 1.0 : weight[static_cast<std::size_t>(row)];
    if (!(share > 0) || !std::isfinite(share)) {
      throw error(error_kind::usage, 541, "a row has an impossible weight",
                  {.where = "row " + std::to_string(row),
                   .expected = "a positive number",
                   .found = std::to_string(share)});
    }
    detail::check_finite_row<Number>(x.row(row), row);
    if (to >= 0) add_row<Number>(x.row(row), y.row(row), to, share);
  }
}

template <class Number>
void ridge_statistics::add_row(vector_view<const Number> x, vector_view<const double> y, index_t part,
                               double weight) {
  for (index_t group = 0; group < groups(); ++group) {
    const auto& columns = group_targets(group);
    const bool missing = std::isnan(y[columns.front()]);
    for (const index_t column : columns) {
      if (std::isnan(y[column]) == missing && !std::isinf(y[column])) continue;
      throw error(error_kind::input, 536, "a label cannot be used",
                  {.where = "target number " + std::to_string(column),
                   .expected = "a finite label, missing exactly where its group of targets is",
                   .found = std::to_string(y[column])});
    }
    if (missing) continue;
    cell& waiting = cells_[static_cast<std::size_t>(group * parts_ + part)];
    if (waiting.total.features == 0) start(waiting, group);
    waiting.x.insert(waiting.x.end(), x.begin(), x.end());
    for (const index_t column : columns) waiting.y.push_back(y[column]);
    waiting.weight.push_back(weight);
    if (static_cast<index_t>(waiting.weight.size()) == leaf_rows) flush(waiting);
  }
}

DNALM_INLINE void ridge_statistics::start(cell& fresh, index_t group) const {
  fresh.total = make_moments(features_, static_cast<index_t>(group_targets(group).size()));
  fresh.x.reserve(static_cast<std::size_t>(checked_mul(leaf_rows, features_)));
}

/// Chan's update with one leaf: total.G += leaf.G + (a b / (a + b)) d d', the last term as one more row of
/// the leaf.
DNALM_INLINE void ridge_statistics::flush(cell& waiting) {
  if (waiting.weight.empty()) return;
  ridge_moments& total = waiting.total;
  const bool first = total.rows == 0;
  auto leaf = detail::make_leaf(waiting.x, waiting.y, waiting.weight, total, !first);
  if (first) {
    total.mean_x = leaf.mean_x;
    total.mean_y = leaf.mean_y;
  } else {
    const double sum = total.weight + leaf.weight;
    const double factor = std::sqrt(total.weight * (leaf.weight / sum));
    const auto dx = detail::shift_mean(total.mean_x, leaf.mean_x, leaf.weight / sum);
    const auto dy = detail::shift_mean(total.mean_y, leaf.mean_y, leaf.weight / sum);
    const index_t last = leaf.x.rows() - 1;
    for (index_t d = 0; d < total.features; ++d) leaf.x(last, d) = factor * dx[static_cast<std::size_t>(d)];
    for (index_t t = 0; t < total.targets; ++t) leaf.y(last, t) = factor * dy[static_cast<std::size_t>(t)];
  }
  detail::add_outer_products(leaf.x, total.gram.data(), total.features);
  detail::add_cross_products(leaf.x, leaf.y, total);
  total.rows += static_cast<index_t>(waiting.weight.size());
  total.weight += leaf.weight;
  waiting.x.clear();
  waiting.y.clear();
  waiting.weight.clear();
}

DNALM_INLINE index_t ridge_statistics::rows(index_t part, index_t group) const {
  if (part < 0 || part >= parts_ || group < 0 || group >= groups()) {
    detail::throw_statistics_shape("a part and a group that exist",
                                   std::to_string(part) + ", " + std::to_string(group));
  }
  const cell& asked = cells_[static_cast<std::size_t>(group * parts_ + part)];
  return asked.total.rows + static_cast<index_t>(asked.weight.size());
}

DNALM_INLINE ridge_moments ridge_statistics::moments(std::span<const index_t> parts, index_t group) const {
  if (group < 0 || group >= groups()) {
    detail::throw_statistics_shape("a group below " + std::to_string(groups()), std::to_string(group));
  }
  ridge_moments sum = make_moments(features_, static_cast<index_t>(group_targets(group).size()));
  for (const index_t part : parts) {
    if (part < 0 || part >= parts_) {
      detail::throw_statistics_shape("a part below " + std::to_string(parts_), std::to_string(part));
    }
    cell copy = cells_[static_cast<std::size_t>(group * parts_ + part)];
    if (copy.total.features == 0) continue;
    flush(copy);
    detail::mirror_gram(copy.total.gram, features_);
    merge_moments(sum, copy.total);
  }
  return sum;
}

DNALM_INLINE index_t ridge_statistics::bytes(index_t features, index_t targets, index_t parts,
                                             index_t groups) {
  const index_t wide = checked_add(features, targets);
  const index_t cell_numbers = checked_add(checked_mul(features, wide), checked_mul(leaf_rows + 2, wide));
  return checked_mul(checked_mul(checked_mul(parts, groups), cell_numbers),
                     static_cast<index_t>(sizeof(double)));
}

DNALM_END_NAMESPACE
