// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Places in one memory for numbers of which each is needed for a time.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Numbers that are needed from one point in time to another.
struct living_numbers {
  index_t size = 0;
  index_t first = 0;  ///< points in time, both included
  index_t last = 0;
  index_t place = 0;  ///< of the first number in the memory

  [[nodiscard]] bool meets(const living_numbers& other) const {
    return first <= other.last && other.first <= last;
  }
};

/// Gives all of them their places, multiples of 64 numbers, such that those that are needed together do not
/// overlap: the largest first, each at the lowest place that is free as long as it is needed. Returns how
/// many numbers the memory has. Takes time that grows with the square of their count.
[[nodiscard]] inline index_t lay_out(std::vector<living_numbers>& all) {
  constexpr index_t unit = 64;
  const auto end_of = [](const living_numbers& x) {
    return checked_add(x.place, checked_mul(checked_add(x.size, unit - 1) / unit, unit));
  };
  std::vector<living_numbers*> order;
  for (living_numbers& x : all) order.push_back(&x);
  std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->size > b->size; });
  std::vector<const living_numbers*> placed;  // by place
  index_t total = 0;
  for (living_numbers* x : order) {
    x->place = 0;
    for (const living_numbers* other : placed) {
      if (!x->meets(*other)) continue;
      if (end_of(*x) <= other->place) break;
      x->place = std::max(x->place, end_of(*other));
    }
    total = std::max(total, end_of(*x));
    const auto lower = [](const living_numbers* a, const living_numbers* b) { return a->place < b->place; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), x, lower), x);
  }
  return total;
}

}  // namespace detail
DNALM_END_NAMESPACE
