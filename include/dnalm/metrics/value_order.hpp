// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows in the order of a value, with ties told: what all rank metrics read.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/metrics/counts.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

/// Rows sorted by (value, row); run r of equal values is rows[ends[r-1] .. ends[r]) with ends[-1] = 0.
struct value_order {
  std::vector<index_t> rows;
  std::vector<index_t> ends;
};

/// Sorts once; every resample then costs O(n). Values must not be NaN; -0 and 0 are equal. Cost: O(n log n).
[[nodiscard]] inline value_order order_by_value(std::span<const double> values) {
  value_order order;
  const auto value = [&](index_t row) { return values[static_cast<std::size_t>(row)]; };
  order.rows.resize(values.size());
  std::iota(order.rows.begin(), order.rows.end(), index_t{0});
  std::sort(order.rows.begin(), order.rows.end(),
            [&](index_t a, index_t b) { return value(a) != value(b) ? value(a) < value(b) : a < b; });
  for (std::size_t i = 0; i < order.rows.size(); ++i) {
    const bool last = i + 1 == order.rows.size() || value(order.rows[i + 1]) != value(order.rows[i]);
    if (last) order.ends.push_back(static_cast<index_t>(i + 1));
  }
  return order;
}

/// Twice the centred average rank of every row: 2 rank - (N + 1), where N is the number of rows counted.
/// All values are whole numbers, so sums of their products are exact up to about 200,000 rows. `ranks` has
/// one entry per row.
inline void centred_ranks(const value_order& order, row_counts counts, std::span<double> ranks) {
  index_t total = 0;
  for (const index_t row : order.rows) total += detail::count_of(counts, row);
  index_t below = 0;
  index_t begin = 0;
  for (const index_t end : order.ends) {
    index_t run = 0;
    for (index_t i = begin; i < end; ++i) {
      run += detail::count_of(counts, order.rows[static_cast<std::size_t>(i)]);
    }
    const auto rank = static_cast<double>(2 * below + run - total);
    for (index_t i = begin; i < end; ++i) {
      ranks[static_cast<std::size_t>(order.rows[static_cast<std::size_t>(i)])] = rank;
    }
    below += run;
    begin = end;
  }
}

}  // namespace metrics

DNALM_END_NAMESPACE
