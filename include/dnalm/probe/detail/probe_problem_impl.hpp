// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/probe_problem.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <set>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/probe_problem.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::vector<index_t> probe_problem::target::fitted_rows() const {
  std::vector<index_t> rows;
  std::merge(train.begin(), train.end(), valid.begin(), valid.end(), std::back_inserter(rows));
  return rows;
}

DNALM_INLINE probe_problem::probe_problem(probe_table table) : table_(std::move(table)) {
  check_sizes();
  fill_keys();
  has_valid_ = std::find(table_.parts.begin(), table_.parts.end(), split_part::valid) != table_.parts.end();
  for (std::size_t t = 0; t < table_.targets.size(); ++t) {
    auto entry = make_target(static_cast<index_t>(t));
    check_training(entry);
    check_test(entry);
    targets_.push_back(std::move(entry));
  }
}

DNALM_INLINE void probe_problem::check_sizes() const {
  const std::size_t rows = table_.parts.size();
  const std::size_t columns = table_.targets.size();
  const std::set<std::string> distinct(table_.targets.begin(), table_.targets.end());
  const bool fits = rows > 0 && columns > 0 && table_.labels.size() == rows * columns &&
                    (table_.groups.empty() || table_.groups.size() == rows) &&
                    (table_.names.empty() || table_.names.size() == rows) &&
                    (table_.tasks.empty() || table_.tasks.size() == columns) && distinct.size() == columns;
  if (fits) return;
  throw error(
      error_kind::shape, 520, "a table of labels does not fit together",
      {.where = "probe table",
       .expected = "rows, differently named targets, and one entry each per row or target",
       .found = std::to_string(rows) + " rows, " + std::to_string(columns) + " targets, " +
                std::to_string(table_.labels.size()) + " labels, " + std::to_string(table_.groups.size()) +
                " groups, " + std::to_string(table_.names.size()) + " names, " +
                std::to_string(table_.tasks.size()) + " tasks"});
}

DNALM_INLINE void probe_problem::fill_keys() {
  for (std::size_t row = 0; row < table_.parts.size(); ++row) {
    const std::string group = table_.groups.empty() ? "" : table_.groups[row];
    const std::string own = table_.names.empty() ? std::to_string(row) : table_.names[row];
    keys_.push_back(group.empty() ? "row " + own : "group " + group);
  }
  clusters_ = number_groups(keys_);
  if (!table_.groups.empty()) check_groups_are_whole(keys_, table_.parts);
}

DNALM_INLINE probe_problem::target probe_problem::make_target(index_t column) const {
  const auto t = static_cast<std::size_t>(column);
  target entry;
  entry.name = table_.targets[t];
  for (std::size_t row = 0; row < table_.parts.size(); ++row) {
    const double label = table_.labels[row * table_.targets.size() + t];
    if (std::isinf(label)) {
      detail::throw_target(536, "a label cannot be used", entry.name, "a finite number or missing",
                           "infinity in row " + std::to_string(row));
    }
    entry.labels.push_back(label);
    if (std::isnan(label)) continue;
    const auto part = table_.parts[row];
    auto& rows =
        part == split_part::train ? entry.train : (part == split_part::valid ? entry.valid : entry.test);
    rows.push_back(static_cast<index_t>(row));
  }
  const auto asked = table_.tasks.empty() ? task_kind::automatic : table_.tasks[t];
  entry.task = detect_task(entry.labels, asked, entry.name);
  if (entry.task == task_kind::regression) return entry;
  entry.classes = distinct_labels(entry.labels, std::numeric_limits<index_t>::max() - 1);
  for (double& label : entry.labels) {
    if (std::isnan(label)) continue;
    label = static_cast<double>(std::lower_bound(entry.classes.begin(), entry.classes.end(), label) -
                                entry.classes.begin());
  }
  return entry;
}

DNALM_INLINE void probe_problem::check_training(const target& entry) const {
  const auto rows = std::to_string(entry.train.size());
  if (entry.train.empty()) {
    const bool all = entry.valid.empty() && entry.test.empty();
    detail::throw_target(522, "labels are missing", entry.name, "labels in the train rows",
                         all ? "none in any row" : "none in the train rows");
  }
  if (entry.train.size() < 3) {
    detail::throw_target(524, "too few training rows", entry.name, "at least 3 labelled train rows", rows);
  }
  if (detail::count_distinct(entry.labels, entry.train) < 2) {
    detail::throw_target(523, "training labels are constant", entry.name, "at least two different labels",
                         "one label in all " + rows + " train rows");
  }
  if (entry.task == task_kind::regression) return;
  const auto seen = detail::classes_of(entry.labels, entry.train, entry.classes.size());
  for (std::size_t k = 0; k < seen.size(); ++k) {
    if (seen[k]) continue;
    detail::throw_target(540, "a class has no training row", entry.name,
                         "train rows of every class, or --task regression if the labels are measurements",
                         "none of class " + detail::class_text(entry.classes[k]));
  }
}

DNALM_INLINE void probe_problem::check_test(const target& entry) {
  if (entry.test.empty()) {
    detail::throw_target(525, "there is nothing to test on", entry.name, "labelled test rows", "none");
  }
  if (entry.task == task_kind::regression) return;
  const auto seen = detail::classes_of(entry.labels, entry.test, entry.classes.size());
  const auto present = std::count(seen.begin(), seen.end(), true);
  if (present < 2) {
    const auto missing = static_cast<std::size_t>(std::find(seen.begin(), seen.end(), false) - seen.begin());
    detail::throw_target(
        526, "a class has no test row, so AUROC is undefined", entry.name,
        "test rows of at least two classes, or --task regression if the labels are measurements",
        "no test row of class " + detail::class_text(entry.classes[missing]));
  }
  for (std::size_t k = 0; k < seen.size(); ++k) {
    if (seen[k]) continue;
    remarks_.push_back("target " + entry.name + ": class " + detail::class_text(entry.classes[k]) +
                       " has no test row and is left out of macro auroc and auprc");
  }
}

DNALM_END_NAMESPACE
