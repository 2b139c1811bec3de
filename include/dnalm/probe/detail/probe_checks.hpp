// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Checks and errors that several parts of the probe module share.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

[[noreturn]] inline void throw_statistics_shape(const std::string& expected, const std::string& found) {
  throw error(error_kind::shape, 520, "sizes of features, labels and parts do not agree",
              {.where = "ridge statistics", .expected = expected, .found = found});
}

/// \throws error [dnalm.numeric.521] for the first value that is not finite.
template <class Number>
void check_finite_row(vector_view<const Number> x, index_t row) {
  for (index_t d = 0; d < x.size; ++d) {
    if (std::isfinite(x[d])) continue;
    throw error(error_kind::numeric, 521, "a feature is not a finite number",
                {.where = "row " + std::to_string(row) + ", column " + std::to_string(d),
                 .expected = "finite features",
                 .found = std::isnan(x[d]) ? "NaN" : "infinity"});
  }
}

[[noreturn]] inline void throw_target(int number, const std::string& what, const std::string& target,
                                      const std::string& expected, const std::string& found) {
  throw error(error_kind::input, number, what,
              {.where = "target " + target, .expected = expected, .found = found});
}

/// How many different labels the given rows have, counted up to two.
[[nodiscard]] inline std::size_t count_distinct(const std::vector<double>& labels,
                                                const std::vector<index_t>& rows) {
  for (const index_t row : rows) {
    if (labels[static_cast<std::size_t>(row)] != labels[static_cast<std::size_t>(rows.front())]) return 2;
  }
  return rows.empty() ? 0 : 1;
}

/// Which classes the given rows have.
[[nodiscard]] inline std::vector<bool> classes_of(const std::vector<double>& labels,
                                                  const std::vector<index_t>& rows, std::size_t classes) {
  std::vector<bool> seen(classes, false);
  for (const index_t row : rows) seen[static_cast<std::size_t>(labels[static_cast<std::size_t>(row)])] = true;
  return seen;
}

/// A class label as a table writes it.
[[nodiscard]] inline std::string class_text(double label) {
  std::string text = std::to_string(label);
  text.erase(text.find_last_not_of('0') + 1);
  if (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

}  // namespace detail

DNALM_END_NAMESPACE
