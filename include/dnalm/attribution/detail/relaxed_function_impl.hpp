// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/relaxed_function.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include <dnalm/attribution/relaxed_function.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/sequence_error.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws sequence_error [dnalm.numeric.803] of number `item`, output by output of each point.
inline void check_finite_numbers(std::span<const double> numbers, const std::string& what,
                                 std::span<const relaxed_point> points, std::size_t item, index_t outputs) {
  const auto bad =
      std::find_if(numbers.begin(), numbers.end(), [](double value) { return !std::isfinite(value); });
  if (bad == numbers.end()) return;
  const auto columns = static_cast<std::size_t>(outputs);
  throw sequence_error(error_kind::numeric, 803, what + " is not finite",
                       points[item / columns].number_at(item / columns),
                       {.where = "output " + std::to_string(item % columns),
                        .expected = "finite numbers",
                        .found = std::to_string(*bad)});
}

inline void check_relaxed_function(const relaxed_function& f) {
  if (f.evaluate && f.outputs >= 1) return;
  throw error(error_kind::usage, 811, "a function of nucleotide weights without a body or without outputs");
}

inline void check_relaxed_values(const std::vector<double>& values, std::span<const relaxed_point> points,
                                 index_t outputs) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    check_finite_numbers({&values[i], 1}, "a value of a function", points, i, outputs);
  }
}

}  // namespace detail

DNALM_INLINE relaxed_values relaxed_function::operator()(std::span<const relaxed_point> points) const {
  detail::check_relaxed_function(*this);
  const index_t numbers = checked_mul(static_cast<index_t>(points.size()), outputs);
  relaxed_values result{.values = std::vector<double>(static_cast<std::size_t>(numbers)),
                        .gradients = std::vector<nucleotide_weights>(static_cast<std::size_t>(numbers))};
  if (points.empty()) return result;
  evaluate(points, result.values, result.gradients);
  detail::check_relaxed_values(result.values, points, outputs);
  for (std::size_t i = 0; i < result.gradients.size(); ++i) {
    for (const std::span<const double> part : {std::span<const double>(result.gradients[i].letters.values),
                                               std::span<const double>(result.gradients[i].rest)}) {
      detail::check_finite_numbers(part, "a gradient by nucleotides", points, i, outputs);
    }
  }
  return result;
}

DNALM_INLINE std::vector<double> relaxed_function::values(std::span<const relaxed_point> points) const {
  detail::check_relaxed_function(*this);
  std::vector<double> found(
      static_cast<std::size_t>(checked_mul(static_cast<index_t>(points.size()), outputs)));
  if (points.empty()) return found;
  evaluate(points, found, {});
  detail::check_relaxed_values(found, points, outputs);
  return found;
}

DNALM_END_NAMESPACE
