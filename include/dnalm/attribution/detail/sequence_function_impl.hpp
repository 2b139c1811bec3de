// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/sequence_function.hpp.
#pragma once

#include <cmath>

#include <dnalm/attribution/sequence_function.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/sequence_error.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::vector<double> sequence_function::operator()(std::span<const std::string> sequences) const {
  if (!evaluate || outputs < 1) {
    throw error(error_kind::usage, 800, "a function of sequences without a body or without outputs");
  }
  const auto columns = static_cast<std::size_t>(outputs);
  std::vector<double> values(
      static_cast<std::size_t>(checked_mul(static_cast<index_t>(sequences.size()), outputs)));
  if (sequences.empty()) return values;
  evaluate(sequences, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw sequence_error(error_kind::numeric, 801, "a function of sequences gave a number that is not finite",
                         static_cast<index_t>(i / columns),
                         {.where = "output " + std::to_string(i % columns),
                          .expected = "finite numbers",
                          .found = std::to_string(values[i])});
  }
  return values;
}

DNALM_END_NAMESPACE
