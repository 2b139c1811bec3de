// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/split.hpp.
#pragma once

#include <algorithm>
#include <unordered_map>

#include <dnalm/core/philox.hpp>
#include <dnalm/probe/split.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// A group in the order of its draw.
struct drawn_group {
  std::uint64_t draw = 0;
  std::string name;
  index_t number = 0;
  index_t rows = 0;
};

/// Groups sorted by (draw, name): an order that rows cannot influence. `purpose` keeps splits and folds
/// apart.
[[nodiscard]] inline std::vector<drawn_group> draw_groups(std::span<const std::string> groups,
                                                          const std::vector<index_t>& numbers,
                                                          std::uint64_t seed, const std::string& purpose) {
  std::vector<drawn_group> drawn;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    const auto number = static_cast<std::size_t>(numbers[row]);
    if (number == drawn.size()) {
      philox random(seed, hash_name(purpose + groups[row]));
      drawn.push_back({random.next_u64(), groups[row], numbers[row], 0});
    }
    ++drawn[number].rows;
  }
  std::sort(drawn.begin(), drawn.end(), [](const drawn_group& a, const drawn_group& b) {
    return a.draw != b.draw ? a.draw < b.draw : a.name < b.name;
  });
  return drawn;
}

inline void require_groups(std::size_t found, index_t needed, const char* purpose) {
  if (static_cast<index_t>(found) >= needed) return;
  throw error(
      error_kind::input, 539, "too few groups to keep them whole",
      {.where = purpose,
       .expected = "at least " + std::to_string(needed) + " groups (rows, where there is no group column)",
       .found = std::to_string(found)});
}

}  // namespace detail

DNALM_INLINE std::vector<index_t> number_groups(std::span<const std::string> groups) {
  std::unordered_map<std::string_view, index_t> numbers;
  std::vector<index_t> result;
  result.reserve(groups.size());
  for (const auto& group : groups) {
    result.push_back(numbers.try_emplace(group, static_cast<index_t>(numbers.size())).first->second);
  }
  return result;
}

DNALM_INLINE std::vector<split_part> assign_split(std::span<const std::string> groups, std::uint64_t seed) {
  const auto numbers = number_groups(groups);
  const auto drawn = detail::draw_groups(groups, numbers, seed, "split/");
  detail::require_groups(drawn.size(), 3, "split into train, valid and test");
  const auto rows = static_cast<index_t>(groups.size());
  std::vector<split_part> part_of_group(drawn.size(), split_part::train);
  index_t held_out = 0;
  index_t valid = 0;
  for (std::size_t g = 0; g + 1 < drawn.size(); ++g) {  // the last group always trains
    const bool valid_still_empty = valid == 0 && g + 2 == drawn.size();
    const bool to_test = 10 * held_out < rows && !valid_still_empty;
    if (!to_test && 10 * valid >= rows) break;
    part_of_group[static_cast<std::size_t>(drawn[g].number)] = to_test ? split_part::test : split_part::valid;
    (to_test ? held_out : valid) += drawn[g].rows;
  }
  std::vector<split_part> parts;
  parts.reserve(numbers.size());
  for (const index_t number : numbers) parts.push_back(part_of_group[static_cast<std::size_t>(number)]);
  return parts;
}

DNALM_INLINE std::vector<index_t> assign_folds(std::span<const std::string> groups, index_t folds,
                                               std::uint64_t seed) {
  const auto numbers = number_groups(groups);
  const auto drawn = detail::draw_groups(groups, numbers, seed, "fold/");
  detail::require_groups(drawn.size(), std::max<index_t>(folds, 2), "cross-validation");
  if (folds < 2) detail::require_groups(0, 2, "cross-validation needs at least two folds");
  std::vector<index_t> rows(static_cast<std::size_t>(folds), 0);
  std::vector<index_t> fold_of_group(drawn.size(), 0);
  for (const auto& group : drawn) {
    const auto smallest = std::min_element(rows.begin(), rows.end());
    *smallest += group.rows;
    fold_of_group[static_cast<std::size_t>(group.number)] = smallest - rows.begin();
  }
  std::vector<index_t> result;
  result.reserve(numbers.size());
  for (const index_t number : numbers) result.push_back(fold_of_group[static_cast<std::size_t>(number)]);
  return result;
}

DNALM_INLINE void check_groups_are_whole(std::span<const std::string> groups,
                                         std::span<const split_part> parts) {
  std::unordered_map<std::string_view, split_part> seen;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    const auto known = seen.try_emplace(groups[row], parts[row]).first->second;
    if (known == parts[row]) continue;
    throw error(error_kind::input, 527, "a group has rows in two splits",
                {.where = "group " + groups[row] + ", row " + std::to_string(row),
                 .expected = std::string(to_string(known)),
                 .found = std::string(to_string(parts[row]))});
  }
}

DNALM_END_NAMESPACE
