// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/ridge_statistics.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <Eigen/Core>

#include <dnalm/core/error.hpp>
#include <dnalm/probe/detail/eigen_objects.hpp>
#include <dnalm/probe/detail/lanes.hpp>
#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/detail/shift_mean.hpp>
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

}  // namespace detail

DNALM_INLINE ridge_statistics::ridge_statistics(index_t features, index_t targets, index_t parts,
                                                std::vector<index_t> target_group)
    : ridge_accumulator({features, targets, parts, std::move(target_group)}) {
  detail::check_eigen_objects();
  cells_.resize(static_cast<std::size_t>(checked_mul(groups(), parts)));
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
  check_sizes(x.rows, x.columns, y, part, weight);
  for (index_t row = 0; row < x.rows; ++row) {
    const index_t to = part[static_cast<std::size_t>(row)];
    const double share = checked_weight(row, part, weight);
    detail::check_finite_row<Number>(x.row(row), row);
    if (to >= 0) add_row<Number>(x.row(row), y.row(row), to, share);
  }
}

template <class Number>
void ridge_statistics::add_row(vector_view<const Number> x, vector_view<const double> y, index_t part,
                               double weight) {
  for (index_t group = 0; group < groups(); ++group) {
    if (!is_labelled(y, group)) continue;
    cell& waiting = cells_[static_cast<std::size_t>(group * parts() + part)];
    if (waiting.total.features == 0) start(waiting, group);
    waiting.x.insert(waiting.x.end(), x.begin(), x.end());
    for (const index_t column : group_targets(group)) waiting.y.push_back(y[column]);
    waiting.weight.push_back(weight);
    if (static_cast<index_t>(waiting.weight.size()) == leaf_rows) flush(waiting);
  }
}

DNALM_INLINE void ridge_statistics::start(cell& fresh, index_t group) const {
  fresh.total = make_moments(features(), static_cast<index_t>(group_targets(group).size()));
  fresh.x.reserve(static_cast<std::size_t>(checked_mul(leaf_rows, features())));
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
  check_cell(part, group);
  const cell& asked = cells_[static_cast<std::size_t>(group * parts() + part)];
  return asked.total.rows + static_cast<index_t>(asked.weight.size());
}

DNALM_INLINE ridge_moments ridge_statistics::moments(std::span<const index_t> parts, index_t group) const {
  check_cell(0, group);
  ridge_moments sum = make_moments(features(), static_cast<index_t>(group_targets(group).size()));
  for (const index_t part : parts) {
    check_cell(part, group);
    cell copy = cells_[static_cast<std::size_t>(group * this->parts() + part)];
    if (copy.total.features == 0) continue;
    flush(copy);
    detail::mirror_gram(copy.total.gram, features());
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
