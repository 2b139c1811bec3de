// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How often a row counts: what lets one formula serve a sample and its bootstrap resamples.
#pragma once

#include <cstdint>
#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

/// Whole-number weights of rows, non-negative; an empty span means that every row counts once. A row that
/// counts c times gives exactly the numbers of a sample in which it stands c times.
using row_counts = std::span<const std::int32_t>;

namespace detail {

[[nodiscard]] inline index_t count_of(row_counts counts, index_t row) {
  return counts.empty() ? 1 : counts[static_cast<std::size_t>(row)];
}

}  // namespace detail
}  // namespace metrics

DNALM_END_NAMESPACE
