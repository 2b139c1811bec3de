// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a target asks for: regression, two classes, several classes.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// What is predicted. `automatic` and `classification` are settled by detect_task.
enum class task_kind { automatic, classification, regression, binary, multiclass };

/// `auto`, `classification`, `regression`, `binary`, `multiclass`.
[[nodiscard]] inline std::string_view to_string(task_kind task) {
  switch (task) {
    case task_kind::automatic: return "auto";
    case task_kind::classification: return "classification";
    case task_kind::regression: return "regression";
    case task_kind::binary: return "binary";
    case task_kind::multiclass: return "multiclass";
  }
  return "auto";
}

/// The task of a name as to_string writes it. \throws error [dnalm.usage.535].
[[nodiscard]] inline task_kind parse_task(std::string_view text) {
  for (const auto task : {task_kind::automatic, task_kind::classification, task_kind::regression,
                          task_kind::binary, task_kind::multiclass}) {
    if (text == to_string(task)) return task;
  }
  throw error(
      error_kind::usage, 535, "unknown task",
      {.expected = "auto, classification, regression, binary or multiclass", .found = std::string(text)});
}

/// The largest number of distinct whole labels that `automatic` takes for classes.
inline constexpr index_t largest_automatic_class_count = 20;

/// Distinct labels in rising order, NaN (missing) left out; at most `limit` + 1 of them are collected.
[[nodiscard]] inline std::vector<double> distinct_labels(std::span<const double> labels, index_t limit) {
  std::vector<double> found;
  for (const double label : labels) {
    if (std::isnan(label)) continue;
    const auto place = std::lower_bound(found.begin(), found.end(), label);
    if (place != found.end() && *place == label) continue;
    if (static_cast<index_t>(found.size()) > limit) break;
    found.insert(place, label);
  }
  return found;
}

/// Settles a target's task: at most 20 distinct labels, all whole numbers, are classes (binary if there are
/// two or fewer), anything else is regression; an explicit request wins over the count. \throws error
/// [dnalm.input.537] when classes are asked for and a label is not a whole number, when `binary` is asked for
/// and there are more than two, or when there are more than 1000 classes.
[[nodiscard]] inline task_kind detect_task(std::span<const double> labels,
                                           task_kind asked = task_kind::automatic,
                                           const std::string& target = "label") {
  if (asked == task_kind::regression) return asked;
  const bool automatic = asked == task_kind::automatic;
  const index_t limit = automatic ? largest_automatic_class_count : 1000;
  const auto classes = distinct_labels(labels, limit);
  const bool whole = std::all_of(classes.begin(), classes.end(), [](double c) { return c == std::floor(c); });
  const bool few = static_cast<index_t>(classes.size()) <= limit;
  if (automatic && (!whole || !few)) return task_kind::regression;
  if (!whole || !few || (asked == task_kind::binary && classes.size() > 2)) {
    throw error(
        error_kind::input, 537, "labels are not classes",
        {.where = "target " + target,
         .expected = asked == task_kind::binary ? "two distinct whole numbers" : "up to 1000 whole numbers",
         .found = !whole ? "a label that is not whole" : std::to_string(classes.size()) + " classes"});
  }
  if (asked == task_kind::multiclass) return asked;
  return classes.size() <= 2 ? task_kind::binary : task_kind::multiclass;
}

DNALM_END_NAMESPACE
