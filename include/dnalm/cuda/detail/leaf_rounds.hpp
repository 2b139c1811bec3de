// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief In which order rows of a block go to the leaves of their cells.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Rounds of rows that can be moved together: in one round no leaf gets more rows than it has room for.
struct leaf_rounds {
  std::vector<index_t> order;   ///< which row comes first, second, ...: by rounds, within one as they came
  std::vector<index_t> places;  ///< in this order: the row's place, cell leaf_rows + place in the leaf
  std::vector<index_t> begins;  ///< where rounds begin in `order`, and the end
};

/// `cells[i]` is the cell of row i, `waiting[c]` how many rows wait in cell c, less than leaf_rows.
[[nodiscard]] inline leaf_rounds plan_leaves(std::span<const index_t> cells, std::vector<index_t> waiting,
                                             index_t leaf_rows) {
  const auto count = static_cast<index_t>(cells.size());
  std::vector<index_t> number(cells.size());  // of a row among those of its cell
  for (std::size_t i = 0; i < cells.size(); ++i) number[i] = waiting[static_cast<std::size_t>(cells[i])]++;
  leaf_rounds plan;
  plan.order.resize(cells.size());
  std::iota(plan.order.begin(), plan.order.end(), index_t{0});
  const auto round_of = [&](index_t i) { return number[static_cast<std::size_t>(i)] / leaf_rows; };
  std::stable_sort(plan.order.begin(), plan.order.end(),
                   [&](index_t a, index_t b) { return round_of(a) < round_of(b); });
  for (index_t at = 0; at < count; ++at) {
    const auto i = static_cast<std::size_t>(plan.order[static_cast<std::size_t>(at)]);
    plan.places.push_back(cells[i] * leaf_rows + number[i] % leaf_rows);
    const bool begins = at == 0 || round_of(plan.order[static_cast<std::size_t>(at - 1)]) !=
                                       round_of(plan.order[static_cast<std::size_t>(at)]);
    if (begins) plan.begins.push_back(at);
  }
  plan.begins.push_back(count);
  return plan;
}

}  // namespace detail
DNALM_END_NAMESPACE
