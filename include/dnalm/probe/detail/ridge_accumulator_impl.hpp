// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/ridge_accumulator.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/ridge_accumulator.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// Missing rows of a column as bytes: columns with equal patterns share statistics.
[[nodiscard]] inline std::vector<bool> missing_pattern(matrix_view<const double> labels, index_t column) {
  std::vector<bool> pattern(static_cast<std::size_t>(labels.rows));
  for (index_t row = 0; row < labels.rows; ++row) {
    pattern[static_cast<std::size_t>(row)] = std::isnan(labels(row, column));
  }
  return pattern;
}

}  // namespace detail

DNALM_INLINE std::vector<index_t> missingness_groups(matrix_view<const double> labels) {
  std::map<std::vector<bool>, index_t> numbers;
  std::vector<index_t> groups;
  for (index_t column = 0; column < labels.columns; ++column) {
    const auto next = static_cast<index_t>(numbers.size());
    groups.push_back(numbers.try_emplace(detail::missing_pattern(labels, column), next).first->second);
  }
  return groups;
}

DNALM_INLINE ridge_accumulator::ridge_accumulator(const ridge_shape& shape)
    : features_(shape.features), parts_(shape.parts), target_group_(shape.target_group) {
  const index_t targets = shape.targets;
  if (target_group_.empty()) target_group_.assign(static_cast<std::size_t>(std::max<index_t>(targets, 0)), 0);
  if (features_ < 1 || parts_ < 1 || targets < 1 || static_cast<index_t>(target_group_.size()) != targets) {
    detail::throw_statistics_shape("at least one feature, target and part, one group per target",
                                   std::to_string(features_) + ", " + std::to_string(targets) + ", " +
                                       std::to_string(parts_) + ", " + std::to_string(target_group_.size()));
  }
  for (index_t t = 0; t < targets; ++t) {
    const index_t group = target_group_[static_cast<std::size_t>(t)];
    if (group < 0 || group > static_cast<index_t>(group_targets_.size())) {
      detail::throw_statistics_shape("groups numbered by first appearance", "group " + std::to_string(group));
    }
    if (group == static_cast<index_t>(group_targets_.size())) group_targets_.emplace_back();
    group_targets_[static_cast<std::size_t>(group)].push_back(t);
  }
}

DNALM_INLINE void ridge_accumulator::add_on_device(const owned_device_rows&, matrix_view<const double>,
                                                   std::span<const index_t>, std::span<const double>) {
  throw error(error_kind::internal, 661, "rows on a GPU for moments that are not gathered there");
}

DNALM_INLINE void ridge_accumulator::check_sizes(index_t rows, index_t columns, matrix_view<const double> y,
                                                 std::span<const index_t> part,
                                                 std::span<const double> weight) const {
  const auto wanted = static_cast<index_t>(part.size());
  if (rows == wanted && y.rows == wanted && columns == features_ && y.columns == targets() &&
      (weight.empty() || weight.size() == part.size())) {
    return;
  }
  detail::throw_statistics_shape(std::to_string(wanted) + " rows of " + std::to_string(features_) +
                                     " features and " + std::to_string(targets()) + " targets",
                                 std::to_string(rows) + " x " + std::to_string(columns) + ", " +
                                     std::to_string(y.rows) + " x " + std::to_string(y.columns));
}

DNALM_INLINE double ridge_accumulator::checked_weight(index_t row, std::span<const index_t> part,
                                                      std::span<const double> weight) const {
  const index_t to = part[static_cast<std::size_t>(row)];
  if (to < -1 || to >= parts_) {
    detail::throw_statistics_shape("a part below " + std::to_string(parts_), std::to_string(to));
  }
  const double share = weight.empty() ? 1.0 : weight[static_cast<std::size_t>(row)];
  if (share > 0 && std::isfinite(share)) return share;
  throw error(error_kind::usage, 541, "a row has an impossible weight",
              {.where = "row " + std::to_string(row),
               .expected = "a positive number",
               .found = std::to_string(share)});
}

DNALM_INLINE bool ridge_accumulator::is_labelled(vector_view<const double> y, index_t group) const {
  const auto& columns = group_targets(group);
  const bool missing = std::isnan(y[columns.front()]);
  for (const index_t column : columns) {
    if (std::isnan(y[column]) == missing && !std::isinf(y[column])) continue;
    throw error(error_kind::input, 536, "a label cannot be used",
                {.where = "target number " + std::to_string(column),
                 .expected = "a finite label, missing exactly where its group of targets is",
                 .found = std::to_string(y[column])});
  }
  return !missing;
}

DNALM_INLINE void ridge_accumulator::check_cell(index_t part, index_t group) const {
  if (part >= 0 && part < parts_ && group >= 0 && group < groups()) return;
  detail::throw_statistics_shape(
      "a part below " + std::to_string(parts_) + " and a group below " + std::to_string(groups()),
      std::to_string(part) + ", " + std::to_string(group));
}

DNALM_END_NAMESPACE
